"""What a signed certificate says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from podlab_testing.certificates import CLIENT, key, pkcs10

from master.controllers.security.certificates.signer import Signer, ends_at
from master.controllers.settings import SigningSettings
from podlab import pki


@pytest.fixture
def authority(tmp_path: Path) -> pki.Ca:
    return pki.ensure_ca(tmp_path)


def test_it_is_what_was_asked_for_and_no_more(tmp_path: Path, authority: pki.Ca) -> None:
    own = key()
    signer = Signer(SigningSettings(tmp_path / "ca.crt", tmp_path / "ca.key"))
    signed = signer.sign(pkcs10("jane", "devs", hosts=["jane.example"], with_key=own), CLIENT, 3600)
    found = x509.load_pem_x509_certificate(signed)
    found.verify_directly_issued_by(authority.certificate)
    assert found.public_key() == own.public_key()
    names = {each.oid: each.value for each in found.subject}
    assert names == {NameOID.COMMON_NAME: "jane", NameOID.ORGANIZATION_NAME: "devs"}
    extensions = {type(each.value): each.value for each in found.extensions}
    assert list(extensions[x509.ExtendedKeyUsage]) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not extensions[x509.BasicConstraints].ca
    assert not extensions[x509.KeyUsage].key_cert_sign
    assert extensions[x509.SubjectAlternativeName].get_values_for_type(x509.DNSName) == ["jane.example"]
    ends = datetime.fromtimestamp(ends_at(signed) or 0, UTC)
    assert timedelta(minutes=59) < ends - datetime.now(UTC) <= timedelta(hours=1)


def test_it_never_outlives_its_authority(tmp_path: Path, authority: pki.Ca) -> None:
    signer = Signer(SigningSettings(tmp_path / "ca.crt", tmp_path / "ca.key"))
    signed = x509.load_pem_x509_certificate(signer.sign(pkcs10("jane"), CLIENT, 10**9))
    assert signed.not_valid_after_utc == authority.certificate.not_valid_after_utc


def test_what_is_no_certificate_ends_never() -> None:
    assert ends_at(b"") is None
