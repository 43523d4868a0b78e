from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from podlab_testing.ansible_code import load
from podlab_testing.source_code import PROJECT

from podlab import pki

watch = load("watch", PROJECT / "playbooks/roles/keepalived/files")


class Answer(http.server.BaseHTTPRequestHandler):
    code = 200

    def do_GET(self) -> None:
        self.send_response(self.code if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: what is asked is of no interest."""


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a server with a certificate of the cluster's."""
    pki.ensure_certificate(pki.ensure_ca(tmp_path), tmp_path, "apiserver", "system:apiserver", [], ["127.0.0.1"])
    monkeypatch.setattr(watch, "CA", str(tmp_path / "ca.crt"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "apiserver.crt", tmp_path / "apiserver.key")
    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_server_that_says_so_is_ready(port: int) -> None:
    assert watch.is_ready("127.0.0.1", port)


def test_one_that_says_otherwise_is_not(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answer, "code", 500)
    assert not watch.is_ready("127.0.0.1", port)


def test_one_of_another_authority_is_not(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    pki.ensure_ca(tmp_path / "other")
    monkeypatch.setattr(watch, "CA", str(tmp_path / "other/ca.crt"))
    assert not watch.is_ready("127.0.0.1", port)


def test_one_that_is_not_there_is_not(port: int) -> None:
    assert not watch.is_ready("127.0.0.1", 1)


def test_what_keepalived_reads_is_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "TOLD", str(tmp_path / "unready"))
    watch.tell(unready=True)
    assert (tmp_path / "unready").read_text() == "1\n"
    watch.tell(unready=False)
    assert (tmp_path / "unready").read_text() == "0\n"
