"""Authorities are told apart by their keys, through a rotation too."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from podlab import pki
from podlab.deploy import rotation
from podlab.deploy.preflight.hosts import authorities


def read(directory: Path, name: str = "ca.crt") -> str:
    return (directory / name).read_text()


def test_an_authority_is_known_by_its_key_and_told_as_certs_tells_it(tmp_path: Path) -> None:
    pki.ensure_ca(tmp_path)
    (found,) = authorities.parse(read(tmp_path))
    assert abs(found.since + pki.BACKDATED - datetime.now(UTC)) < timedelta(minutes=1)
    assert str(found) == f"{found.key[:8]} (since {found.since:%Y-%m-%d %H:%M} UTC)"
    other = tmp_path / "other"
    pki.ensure_ca(other)
    assert authorities.keys([read(other)]).isdisjoint(authorities.keys([read(tmp_path)]))


def test_what_is_no_certificate_is_nobody_s() -> None:
    assert authorities.parse("") == authorities.parse("torn off") == ()


def test_after_a_rotation_the_former_authority_is_known_too(tmp_path: Path) -> None:
    pki.ensure_ca(tmp_path)
    before = read(tmp_path)
    for step in ("trust", "sign", "alone"):
        rotation.advance(tmp_path, "podlab-ca", step)
    assert authorities.keys([before]).isdisjoint(authorities.keys([read(tmp_path)]))
    kept = [read(tmp_path), read(tmp_path, rotation.BEFORE)]
    assert authorities.keys([before]) < authorities.keys(kept)
