"""Values under lock and key: AES-256-GCM, bound to the store's key that they stand under. Pure but for randomness.

The first key writes, all of them read. A value without a mark was written before there were keys: it reads as it is.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from master.store.errors import Undecryptable

# As Kubernetes marks what its AES-GCM provider wrote. No protobuf message begins like this.
MARK = b"k8s:enc:aesgcm:v1:"
_NONCE_BYTES = 12


class Keyring:
    """Named keys of 16, 24 or 32 bytes. Raises ValueError for others, and without any."""

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        if not keys:
            raise ValueError("there is no key")
        self._ciphers = {name: AESGCM(key) for name, key in keys}
        self._writing = keys[0][0]
        self._head = MARK + self._writing.encode() + b":"

    def locked(self, key: str, value: bytes) -> bytes:
        """The value as it is stored under the key."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._head + nonce + self._ciphers[self._writing].encrypt(nonce, value, key.encode())

    def opened(self, key: str, value: bytes) -> bytes:
        """What was stored under the key. Raises Undecryptable, which names the key that is missing."""
        if not value.startswith(MARK):
            return value
        mark, _, sealed = value[len(MARK) :].partition(b":")
        name = mark.decode(errors="replace")
        cipher = self._ciphers.get(name)
        if cipher is None:
            known = ", ".join(self._ciphers)
            raise Undecryptable(key, f"it needs the encryption key {name!r}; there are {known}")
        try:
            return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], key.encode())
        except (InvalidTag, ValueError) as error:
            told = f"the encryption key {name!r} does not open it"
            raise Undecryptable(key, f"{told}: it is another key, or the value was tampered with") from error

    def is_current(self, value: bytes) -> bool:
        """Whether the value was written with the first key."""
        return value.startswith(self._head)
