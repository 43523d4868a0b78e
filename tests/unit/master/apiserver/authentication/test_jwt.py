"""Signed tokens and the keys behind them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from master.apiserver.authentication import jwt
from master.apiserver.authentication.jwt import InvalidToken, Keys, PrivateKey


def pem(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def forged(keys: Keys, **header: str) -> str:
    """A token that says it is signed by our key."""
    told = {"alg": "ES256", "kid": keys.signing_id, **header}
    return f"{jwt.encoded(orjson.dumps(told))}.{jwt.encoded(b'{}')}.{jwt.encoded(b'x' * 64)}"


@pytest.mark.parametrize("key", ["ec_key", "rsa_key"])
def test_what_a_key_signed_is_read_again(key: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(pem(request.getfixturevalue(key)))
    keys = jwt.load([tmp_path / "k"])
    assert jwt.verify(jwt.sign({"sub": "me"}, keys), keys) == {"sub": "me"}


def test_tokens_of_a_retired_key_stay_good_until_it_is_removed(
    keys: Keys, rsa_key: PrivateKey, ec_key: PrivateKey, tmp_path: Path
) -> None:
    token = jwt.sign({"sub": "me"}, keys)
    new, retired, none = tmp_path / "new", tmp_path / "retired", tmp_path / "none"
    new.write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    retired.write_bytes(public_pem(rsa_key) + public_pem(ec_key))
    none.write_bytes(b"")
    rotated = jwt.load([new, retired])
    assert len(rotated.public) == 3
    assert jwt.verify(token, rotated) == {"sub": "me"}
    with pytest.raises(InvalidToken, match="no key of this cluster"):
        jwt.verify(token, jwt.load([new, none]))


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"alg": "none"}, "algorithm"),
        ({"alg": "RS256"}, "algorithm"),
        ({"alg": "HS256"}, "algorithm"),
        ({"kid": "another"}, "no key"),
        ({"crit": "x"}, "extensions"),
        ({}, "signature"),
    ],
)
def test_a_forged_token_is_refused(keys: Keys, header: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidToken, match=why):
        jwt.verify(forged(keys, **header), keys)


def test_a_change_of_any_part_is_refused(keys: Keys) -> None:
    header, payload, signature = jwt.sign({"sub": "me"}, keys).split(".")
    other = jwt.encoded(orjson.dumps({"sub": "you"}))
    for token in (f"{header}.{other}.{signature}", f"{header}.{payload}.", f"{header}.{payload}.{signature[:-4]}"):
        with pytest.raises(InvalidToken):
            jwt.verify(token, keys)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.one_of(st.text(), st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*", fullmatch=True)))
def test_nothing_else_is_ever_accepted(keys: Keys, token: str) -> None:
    with pytest.raises(InvalidToken):
        jwt.verify(token, keys)


NO_KEY = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("content", [b"", NO_KEY, pem(ec.generate_private_key(ec.SECP384R1()))])
def test_what_is_no_signing_key_is_refused_by_its_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.key").write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.key: "):
        jwt.load([tmp_path / "bad.key"])
