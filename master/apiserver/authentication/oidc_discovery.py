"""What others need to check our tokens: OpenID Connect's discovery document and the public keys. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec

from master.apiserver.authentication.jwt import Keys, PublicKey, algorithm, encoded

CONFIGURATION_PATH = "/.well-known/openid-configuration"
KEYS_PATH = "/openid/v1/jwks"
KEYS_MEDIA_TYPE = "application/jwk-set+json"


def configuration(issuer: str, server: str, keys: Keys) -> Mapping[str, object]:
    """The discovery document, which says where the keys are. `server` is host:port."""
    return {
        "issuer": issuer,
        "jwks_uri": f"https://{server}{KEYS_PATH}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": sorted({algorithm(key) for key in keys.public.values()}),
    }


def key_set(keys: Keys) -> Mapping[str, object]:
    """All keys whose signatures are accepted, as a JSON Web Key Set (RFC 7517)."""
    return {"keys": [_key(key_id, key) for key_id, key in keys.public.items()]}


def _key(key_id: str, key: PublicKey) -> dict[str, str]:
    head = {"use": "sig", "kid": key_id, "alg": algorithm(key)}
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_numbers()
        return {**head, "kty": "EC", "crv": "P-256", "x": _number(point.x, 32), "y": _number(point.y, 32)}
    numbers = key.public_numbers()
    return {**head, "kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}


def _number(value: int, size_bytes: int = 0) -> str:
    return encoded(value.to_bytes(size_bytes or (value.bit_length() + 7) // 8, "big"))
