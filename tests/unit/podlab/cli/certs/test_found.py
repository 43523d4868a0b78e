"""What is said of certificates: which ends first, where each is, and what somebody has to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from podlab import pki
from podlab.cli.certs.found import PKI, SeenCertificate, Unseen, lines, warnings
from podlab.deploy import rotation

PORT = "192.0.2.1:7450"


def certificate(folder: Path, name: str, days: float = 365) -> x509.Certificate:
    lifetime = timedelta(days=days)
    pki.forget_certificate(folder, name)
    pki.ensure_certificate(pki.load_ca(folder), folder, name, "system:node:n1", [], [], lifetime=lifetime)
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pki.ensure_ca(tmp_path)
    return tmp_path


def test_what_ends_first_comes_first_and_one_that_is_in_several_places_is_one_line(folder: Path) -> None:
    late, early = certificate(folder, "kubelet"), certificate(folder, "proxy", days=20)
    found = [
        SeenCertificate("n1/kubelet", PKI, late),
        SeenCertificate("n1/kubelet", PORT, late),
        SeenCertificate("n1/proxy", PKI, early),
    ]
    made = lines(found, datetime.now(UTC))
    assert [(line.owner, line.days_left, line.places, line.note) for line in made] == [
        ("n1/proxy", 19, (PKI,), ""),
        ("n1/kubelet", 364, (PKI, PORT), ""),
    ]
    assert made[0].use == "serves, asks the API"
    assert made[0].issuer.startswith("podlab-ca ")


def test_a_port_that_shows_another_one_is_told_of(folder: Path) -> None:
    old, new = certificate(folder, "kubelet", days=100), certificate(folder, "kubelet")
    served, kept = lines(
        [SeenCertificate("n1/kubelet", PKI, new), SeenCertificate("n1/kubelet", PORT, old)], datetime.now(UTC)
    )
    assert (served.places, kept.places, kept.note) == ((PORT,), (PKI,), "")
    assert "pki holds another one" in served.note


def test_two_authorities_of_one_name_are_told_apart(folder: Path) -> None:
    before = certificate(folder, "kubelet")
    rotation.trust_next(folder, pki.CA_NAME)
    rotation.sign_with_next(folder)
    after = certificate(folder, "kubelet")
    one, other = lines([SeenCertificate("a", PKI, before), SeenCertificate("b", PKI, after)], datetime.now(UTC))
    assert one.issuer != other.issuer
    assert {one.issuer.split()[0], other.issuer.split()[0]} == {"podlab-ca"}


def test_the_last_month_and_what_could_not_be_seen_are_warned_of_with_the_remedy(folder: Path) -> None:
    now = datetime.now(UTC)
    found = [
        SeenCertificate("n1/kubelet", PKI, certificate(folder, "kubelet", days=29.5)),
        SeenCertificate("ca", PKI, certificate(folder, "other", days=10)),
        SeenCertificate("m1/apiserver", PKI, certificate(folder, "apiserver", days=31)),
        SeenCertificate("admin", PKI, certificate(folder, "admin", days=-0.01)),
    ]
    assert warnings(lines(found, now), [Unseen("n1/proxy", PORT, "Connection refused")]) == [
        "admin has ended: playbooks/rotate-certs.yml replaces it",
        "ca ends in 9 days: playbooks/rotate-certs.yml -e ca=true replaces it",
        "n1/kubelet ends in 29 days: playbooks/rotate-certs.yml replaces it",
        f"n1/proxy at {PORT} shows no certificate: Connection refused",
    ]
