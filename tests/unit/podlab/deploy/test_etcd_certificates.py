"""etcd's authority and certificates: made once, for its members and those who ask them."""

from pathlib import Path

from cryptography import x509

from podlab import pki
from podlab.deploy import certificates, etcd_certificates

MEMBERS = {"m1": "192.0.2.11", "m2": "192.0.2.12"}


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_nothing_is_made_where_etcd_does_not_run(tmp_path: Path) -> None:
    assert etcd_certificates.ensure(tmp_path, {}, ["m1"]) == []
    assert not list(tmp_path.iterdir())


def test_members_and_api_servers_get_theirs_once(tmp_path: Path) -> None:
    made = etcd_certificates.ensure(tmp_path, MEMBERS, ["m1", "m3"])
    assert made == ["etcd/ca", "m1/etcd", "m2/etcd", "m1/etcd-client", "m3/etcd-client"]
    assert etcd_certificates.ensure(tmp_path, MEMBERS, ["m1", "m3"]) == []


def test_the_cluster_s_own_authority_makes_nobody_a_client_of_etcd(tmp_path: Path) -> None:
    certificates.ensure(tmp_path, certificates.wanted(MEMBERS, {}, (), "10.96.0.0/16"))
    etcd_certificates.ensure(tmp_path, MEMBERS, ["m1"])
    authority = read(tmp_path / "etcd/ca.crt")
    assert read(tmp_path / "m1/etcd.crt").issuer == authority.subject != read(tmp_path / "ca.crt").subject


def test_a_member_s_certificate_holds_its_name_and_address(tmp_path: Path) -> None:
    etcd_certificates.ensure(tmp_path, MEMBERS, [])
    names = read(tmp_path / "m2/etcd.crt").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"m2", "localhost"}
    assert {str(each) for each in names.get_values_for_type(x509.IPAddress)} == {"192.0.2.12", "127.0.0.1"}


def test_members_trust_the_next_authority_before_it_signs(tmp_path: Path) -> None:
    etcd_certificates.ensure(tmp_path, MEMBERS, ["m1"])
    folder, first = tmp_path / "etcd", read(tmp_path / "m1/etcd.crt")
    assert etcd_certificates.advance(tmp_path, "trust")
    assert etcd_certificates.ensure(tmp_path, MEMBERS, ["m1"]) == []
    trusted = pki.read_certificates(folder / "ca.crt")
    assert etcd_certificates.advance(tmp_path, "sign")
    assert etcd_certificates.ensure(tmp_path, MEMBERS, ["m1"]) == ["m1/etcd", "m2/etcd", "m1/etcd-client"]
    assert read(tmp_path / "m1/etcd.crt").public_key() != first.public_key()
    assert etcd_certificates.advance(tmp_path, "alone")
    assert pki.read_certificates(folder / "ca.crt") == [each for each in trusted if each != trusted[0]]
    assert etcd_certificates.ensure(tmp_path, MEMBERS, ["m1"]) == []
