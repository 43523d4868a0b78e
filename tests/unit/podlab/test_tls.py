"""A component shows a certificate only with the key that is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from podlab import pki
from podlab.tls import Tls


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    authority = pki.ensure_ca(tmp_path)
    for name in ("one", "other"):
        pki.ensure_certificate(authority, tmp_path, name, "system:apiserver", [], ["127.0.0.1"])
    return Tls(tmp_path / "ca.crt", tmp_path / "one.crt", tmp_path / "one.key")


def test_all_files_are_loaded(tls: Tls) -> None:
    loaded = tls.load()
    assert (loaded.ca, loaded.cert, loaded.key) == tuple(path.read_bytes() for path in (tls.ca, tls.cert, tls.key))
    assert set(loaded.digests) == {"ca.crt", "one.crt"}


def test_another_certificates_key_is_refused_by_name(tls: Tls) -> None:
    tls.key.write_bytes((tls.key.parent / "other.key").read_bytes())
    with pytest.raises(ValueError, match=f"{tls.key} is not the key of {tls.cert}"):
        tls.load()


@pytest.mark.parametrize("file", ["cert", "key"])
def test_what_is_no_pem_is_refused_by_name(tls: Tls, file: str) -> None:
    path: Path = getattr(tls, file)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=str(path)):
        tls.load()


def test_a_file_that_is_gone_is_an_error_of_the_system(tls: Tls) -> None:
    tls.key.unlink()
    with pytest.raises(FileNotFoundError):
        tls.load()
