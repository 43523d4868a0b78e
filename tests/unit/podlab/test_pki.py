"""Certificates are made once, and again only when they would say something else or are about to end."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from podlab import pki

HOSTS = ("m1", "10.0.0.1", "127.0.0.1", "localhost")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "cluster" / "pki"


def ensure(
    directory: Path,
    *,
    name: str = "apiserver",
    hosts: tuple[str, ...] = HOSTS,
    user: str = "system:apiserver",
    lifetime: timedelta = pki.LIFETIME,
) -> bool:
    ca, groups = pki.ensure_ca(directory), ["system:masters"]
    return pki.ensure_certificate(ca, directory, name, user, groups, hosts, lifetime=lifetime)


def read(directory: Path, name: str = "apiserver") -> x509.Certificate:
    return x509.load_pem_x509_certificate((directory / f"{name}.crt").read_bytes())


def test_a_certificate_carries_its_identity_and_is_signed_by_the_authority(directory: Path) -> None:
    assert ensure(directory)
    certificate = read(directory)
    certificate.verify_directly_issued_by(read(directory, "ca"))
    assert [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["system:apiserver"]
    assert [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == [
        "system:masters"
    ]


def test_a_certificate_serves_under_names_and_addresses_and_is_good_for_both_ends(directory: Path) -> None:
    ensure(directory)
    extensions = read(directory).extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "m1"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1", "127.0.0.1"]
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}


def test_nothing_is_written_when_nothing_changed(directory: Path) -> None:
    ensure(directory)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    assert not ensure(directory, hosts=tuple(reversed(HOSTS)))
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


@pytest.mark.parametrize("change", [{"hosts": ("m1", "10.0.0.2")}, {"user": "system:somebody"}])
def test_a_certificate_that_would_say_something_else_is_made_anew(directory: Path, change: dict[str, str]) -> None:
    ensure(directory)
    assert ensure(directory, **change)  # type: ignore[arg-type]
    assert not ensure(directory, **change)  # type: ignore[arg-type]


def test_a_certificate_in_its_last_month_is_made_anew(directory: Path) -> None:
    ensure(directory, lifetime=timedelta(days=29))
    assert ensure(directory)


def test_an_authority_that_is_about_to_end_is_refused_by_date(directory: Path) -> None:
    with pytest.raises(pki.PkiError, match=r"ca\.crt ends on 20\d\d-.*rotate-certs"):
        pki.ensure_ca(directory, lifetime=timedelta(days=3))


@pytest.mark.parametrize("suffix", ["crt", "key"])
def test_a_lost_or_damaged_half_of_a_pair_is_made_anew(directory: Path, suffix: str) -> None:
    ensure(directory)
    (directory / f"apiserver.{suffix}").write_bytes(b"damaged")
    assert ensure(directory)
    (directory / f"apiserver.{suffix}").unlink()
    assert ensure(directory)


def test_a_certificate_of_another_authority_is_made_anew(directory: Path) -> None:
    ensure(directory)
    for suffix in ("crt", "key"):
        (directory / f"ca.{suffix}").unlink()
    assert ensure(directory)


def test_a_lost_authority_key_is_an_error_and_replaces_nothing(directory: Path) -> None:
    ensure(directory)
    (directory / "ca.key").unlink()
    before = (directory / "ca.crt").read_bytes()
    with pytest.raises(pki.PkiError, match="restore both, or remove both"):
        pki.ensure_ca(directory)
    assert (directory / "ca.crt").read_bytes() == before


def test_only_the_owner_can_read(directory: Path) -> None:
    ensure(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
