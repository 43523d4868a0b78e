from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from master.apiserver.rest.server import context
from podlab import pki
from podlab.tls import Tls


@pytest.fixture
def served(tmp_path: Path) -> ssl.SSLContext:
    pki.ensure_certificate(pki.ensure_ca(tmp_path), tmp_path, "apiserver", "system:apiserver", [], ["127.0.0.1"])
    return context(Tls(ca=tmp_path / "ca.crt", cert=tmp_path / "apiserver.crt", key=tmp_path / "apiserver.key"))


def test_ciphers_are_strong_ones_with_keys_of_each_connection_s_own(served: ssl.SSLContext) -> None:
    for cipher in served.get_ciphers():
        assert "GCM" in cipher["name"] or "CHACHA20" in cipher["name"], cipher["name"]
        assert cipher["name"].startswith(("ECDHE-", "TLS_")), cipher["name"]


def test_tls_before_1_2_is_refused(served: ssl.SSLContext) -> None:
    assert served.minimum_version is ssl.TLSVersion.TLSv1_2
