"""JSON Web Tokens (RFC 7519) in compact signed form, with ES256 or RS256. The key chooses the algorithm, not the token.

Keys are read from PEM files. A key's id is the digest of its public half, as Kubernetes names it in `kid`.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
_RSA_MIN_BITS = 2048
_COORDINATE_BYTES = 32
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_PEM = re.compile(rb"-----BEGIN [^-]+-----.+?-----END [^-]+-----\n?", re.DOTALL)


class InvalidToken(Exception):
    """The token was not signed by these keys, or is not valid. The message says why and holds no part of the token."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs, and all keys whose signatures are accepted, by their ids."""

    signing: PrivateKey
    signing_id: str
    public: Mapping[str, PublicKey]


def load(paths: Sequence[Path]) -> Keys:
    """Read the keys; the first one signs. A file may hold any number of private or public keys.

    Raises ValueError, OSError.
    """
    keys = [_load(path, pem) for path in paths for pem in _PEM.findall(path.read_bytes())]
    if not keys or not isinstance(keys[0], PrivateKey):
        raise ValueError(f"{paths[0] if paths else 'service_account_keys'}: a private key is needed to sign tokens")
    public = [key.public_key() if isinstance(key, PrivateKey) else key for key in keys]
    return Keys(keys[0], key_id(public[0]), {key_id(one): one for one in public})


def key_id(key: PublicKey) -> str:
    """The key's id, as in `kid`."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encoded(hashlib.sha256(der).digest())


def sign(claims: Mapping[str, object], keys: Keys) -> str:
    """A signed token with these claims."""
    header = {"alg": algorithm(keys.public[keys.signing_id]), "kid": keys.signing_id}
    signed = f"{encoded(orjson.dumps(header))}.{encoded(orjson.dumps(claims))}"
    return f"{signed}.{encoded(_signature(keys.signing, signed.encode()))}"


def verify(token: str, keys: Keys) -> dict[str, object]:
    """The claims of a token that one of the keys has signed. Raises InvalidToken."""
    header, payload, signature = _parts(token)
    fields = _object(header)
    key = keys.public.get(str(fields.get("kid")))
    if key is None:
        raise InvalidToken("it is signed by no key of this cluster")
    if fields.get("alg") != algorithm(key):
        raise InvalidToken("it does not use its key's algorithm")
    if "crit" in fields:
        raise InvalidToken("it asks for extensions that are not known here")
    try:
        _check(key, _decoded(signature), f"{header}.{payload}".encode())
    except (InvalidSignature, ValueError) as error:
        raise InvalidToken("its signature is not good") from error
    return _object(payload)


def algorithm(key: PublicKey) -> str:
    """The algorithm that belongs to the key."""
    return "ES256" if isinstance(key, ec.EllipticCurvePublicKey) else "RS256"


def encoded(data: bytes) -> str:
    """Base64 for URLs, without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _load(path: Path, pem: bytes) -> PrivateKey | PublicKey:
    try:
        key: PrivateKeyTypes | PublicKeyTypes = (
            serialization.load_pem_private_key(pem, password=None)
            if b"PRIVATE KEY" in pem
            else serialization.load_pem_public_key(pem)
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: is no PEM key without a password") from error
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey) and key.key_size >= _RSA_MIN_BITS:
        return key
    raise ValueError(f"{path}: must be a P-256 key, or an RSA key of at least {_RSA_MIN_BITS} bits")


def _signature(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(_COORDINATE_BYTES, "big") + s.to_bytes(_COORDINATE_BYTES, "big")


def _check(key: PublicKey, signature: bytes, data: bytes) -> None:
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        return
    if len(signature) != 2 * _COORDINATE_BYTES:
        raise InvalidSignature
    r, s = (int.from_bytes(half, "big") for half in (signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]))
    key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))


def _parts(token: str) -> tuple[str, str, str]:
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidToken("it is no signed JSON Web Token")
    return parts[0], parts[1], parts[2]


def _object(part: str) -> dict[str, object]:
    try:
        found = orjson.loads(_decoded(part))
    except orjson.JSONDecodeError as error:
        raise InvalidToken("it is no signed JSON Web Token") from error
    if not isinstance(found, dict):
        raise InvalidToken("it is no signed JSON Web Token")
    return found


def _decoded(part: str) -> bytes:
    """RFC 7515, 2: without padding and without anything else. Python's own decoder skips what it does not know."""
    if not _BASE64URL.fullmatch(part):
        raise InvalidToken("it is no signed JSON Web Token")
    try:
        data = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise InvalidToken("it is no signed JSON Web Token") from error
    if encoded(data) != part:  # bits behind the last byte: one token written in two ways
        raise InvalidToken("it is no signed JSON Web Token")
    return data
