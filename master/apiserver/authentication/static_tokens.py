"""Static tokens, for clients that have no other credential yet, from Kubernetes' file: token,user,uid,"group,group".

Tokens are kept and looked up by digest, so that the time of a look-up reveals nothing about them.
"""

from __future__ import annotations

import csv
import hashlib
import stat
from collections.abc import Mapping
from pathlib import Path

from master.apiserver.authentication.user import AUTHENTICATED, User

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class StaticTokens:
    """The tokens of a file, which is read once."""

    def __init__(self, users: Mapping[bytes, User]) -> None:
        self._users = users

    def user(self, token: str) -> User | None:
        """The user of the token; None for an unknown token."""
        return self._users.get(_digest(token))


def load(path: Path | None) -> StaticTokens:
    """Read the file. Raises ValueError for a malformed line or when others than the owner can read it, and OSError."""
    if path is None:
        return StaticTokens({})
    if path.stat().st_mode & _OTHERS:
        raise ValueError(f"{path}: holds secrets and must have mode 0600")
    users: dict[bytes, User] = {}
    with path.open(newline="") as file:
        for number, fields in enumerate(csv.reader(file), 1):
            if not fields:
                continue
            if len(fields) < 3 or not fields[0] or not fields[1]:
                raise ValueError(f'{path}: line {number}: expected token,user,uid and "group,group"')
            token, name, uid, *groups = (field.strip() for field in fields)
            named = (group.strip() for group in groups[0].split(",")) if groups else ()
            user = User(name, frozenset((AUTHENTICATED, *(group for group in named if group))), uid)
            if users.setdefault(_digest(token), user) is not user:
                raise ValueError(f"{path}: line {number}: the token stands here twice")
    return StaticTokens(users)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
