"""The front proxy's authority and certificates: made once, and anew when they were lost."""

from pathlib import Path

from cryptography import x509

from podlab.deploy import front_proxy


def test_an_authority_and_a_certificate_for_each_master_are_made_once(tmp_path: Path) -> None:
    assert front_proxy.ensure(tmp_path, ["m1", "m2"]) == [
        "front-proxy/ca",
        "m1/front-proxy-client",
        "m2/front-proxy-client",
    ]
    assert front_proxy.ensure(tmp_path, ["m1", "m2"]) == []


def test_an_authority_that_is_renamed_is_followed_by_certificates_of_the_next(tmp_path: Path) -> None:
    front_proxy.ensure(tmp_path, ["m1"])
    for ending in ("crt", "key"):
        (tmp_path / "front-proxy" / f"ca.{ending}").rename(tmp_path / "front-proxy" / f"old.{ending}")
    assert front_proxy.ensure(tmp_path, ["m1"]) == ["front-proxy/ca", "m1/front-proxy-client"]
    authority = x509.load_pem_x509_certificate((tmp_path / "front-proxy" / "ca.crt").read_bytes())
    shown = x509.load_pem_x509_certificate((tmp_path / "m1" / "front-proxy-client.crt").read_bytes())
    shown.verify_directly_issued_by(authority)
