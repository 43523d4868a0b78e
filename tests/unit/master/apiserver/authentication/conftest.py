"""Keys, claims and a clock for tokens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from master.apiserver.authentication import jwt
from master.apiserver.authentication.authenticator import REMEMBERED, Authenticator
from master.apiserver.authentication.claims import Claims, Reference
from master.apiserver.authentication.jwt import InvalidToken, Keys, PrivateKey
from master.apiserver.authentication.static_tokens import StaticTokens

ISSUER = "https://kubernetes.default.svc.cluster.local"
NOW = 1_000_000


def pem(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture(scope="session")
def ec_key() -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def rsa_key() -> PrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def keys(tmp_path: Path, ec_key: PrivateKey) -> Keys:
    (tmp_path / "signing.key").write_bytes(pem(ec_key))
    return jwt.load([tmp_path / "signing.key"])


@pytest.fixture
def claims() -> Claims:
    return Claims(
        issuer=ISSUER,
        audiences=(ISSUER,),
        namespace="team",
        account=Reference("builder", "u1"),
        issued_at=NOW,
        expires=NOW + 3600,
        id="j1",
    )


@dataclass
class FakeLives:
    """Everything lives, but what is named here."""

    gone: set[str] = field(default_factory=set)

    async def check(self, claims: Claims, now: float) -> None:
        if claims.account.name in self.gone:
            raise InvalidToken("its serviceaccount is gone")


@dataclass
class Bench:
    """An authenticator with all that it stands on."""

    keys: Keys
    claims: Claims
    lives: FakeLives = field(default_factory=FakeLives)
    now: float = NOW

    def token(self, **other: Any) -> str:
        return jwt.sign(replace(self.claims, **other).to_data(), self.keys)

    def authenticator(self, static: StaticTokens | None = None, remembered: int = REMEMBERED) -> Authenticator:
        lives: Any = self.lives
        known = static or StaticTokens({})
        return Authenticator(ISSUER, lambda: self.keys, lives, known, lambda: self.now, remembered=remembered)


@pytest.fixture
def bench(keys: Keys, claims: Claims) -> Bench:
    return Bench(keys, claims)
