from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from master.apiserver.authentication import client_certificates
from master.apiserver.authentication.user import User
from podlab.errors import Unauthorized


def certificate(*attributes: tuple[x509.ObjectIdentifier, str]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


class Call:
    def __init__(self, pem: bytes | None) -> None:
        self._pem = pem

    def auth_context(self) -> dict[str, list[bytes]]:
        return {"x509_pem_cert": [self._pem]} if self._pem is not None else {}


def caller(pem: bytes | None) -> User:
    call: Any = Call(pem)
    return client_certificates.caller(call)


def test_the_user_is_the_common_name_and_the_groups_are_the_organizations() -> None:
    organization = NameOID.ORGANIZATION_NAME
    pem = certificate((NameOID.COMMON_NAME, "jane"), (organization, "dev"), (organization, "ops"))
    assert caller(pem) == User("jane", frozenset({"dev", "ops", "system:authenticated"}))


def test_a_certificate_that_names_nobody_is_refused() -> None:
    with pytest.raises(Unauthorized, match="no common name"):
        caller(certificate((NameOID.ORGANIZATION_NAME, "system:masters")))
    with pytest.raises(Unauthorized, match="no client certificate"):
        caller(None)
