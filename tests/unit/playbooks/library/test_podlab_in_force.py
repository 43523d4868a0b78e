"""What counts as in force: what a service says, what its port shows, and what pods have to trust by."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.ansible_code import load

from podlab import pki
from podlab.component import IN_FORCE
from podlab.deploy import rotation
from podlab.tls import Tls

podlab_in_force: Any = load("podlab_in_force")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As /etc/podlab/pki."""
    made = tmp_path / "pki"
    pki.ensure_certificate(pki.ensure_ca(made), made, "kubelet", "system:node:n1", ["system:nodes"], ["127.0.0.1"])
    return made


def said(folder: Path) -> str:
    """What a kubelet tells systemd that has read these files."""
    digests = Tls(folder / "ca.crt", folder / "kubelet.crt", folder / "kubelet.key").load().digests
    return f"{IN_FORCE} {', '.join(f'{name} {digest}' for name, digest in digests.items())}"


def test_a_service_stands_on_the_files_of_now_or_it_is_said_on_which_it_does_not(folder: Path) -> None:
    before = said(folder)
    assert podlab_in_force.outdated(before, folder) == ""
    rotation.trust_next(folder, pki.CA_NAME)
    assert "it still stands on another ca.crt than" in podlab_in_force.outdated(before, folder)
    assert podlab_in_force.outdated(said(folder), folder) == ""
    assert "run site.yml first" in podlab_in_force.outdated("", folder)


@contextmanager
def served(folder: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "kubelet.crt", folder / "kubelet.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            plain, _ = listening.accept()
            with context.wrap_socket(plain, server_side=True) as connection:
                connection.recv(1)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


def test_a_port_shows_the_certificate_of_the_file_or_another_one(folder: Path) -> None:
    with served(folder) as port:
        assert podlab_in_force.another_shown("127.0.0.1", port, folder / "kubelet.crt") == ""
    with served(folder) as port:
        found = podlab_in_force.another_shown("127.0.0.1", port, folder / "ca.crt")
        assert f"port {port} still shows another certificate" in found
    assert "cannot be asked" in podlab_in_force.another_shown("127.0.0.1", port, folder / "kubelet.crt")


def test_pods_have_all_authorities_and_files_of_others_count_for_nothing(folder: Path, tmp_path: Path) -> None:
    one, others = tmp_path / "pods/1/volumes/token/ca.crt", tmp_path / "pods/2/volumes/own/ca.crt"
    for path in (one, others):
        path.parent.mkdir(parents=True)
    one.write_bytes((folder / "ca.crt").read_bytes())
    others.write_bytes(pki.pem(pki.ensure_ca(tmp_path / "other").certificate))
    rotation.trust_next(folder, pki.CA_NAME)

    def missing() -> list[str]:
        replaced = (folder / rotation.BEFORE).read_text()
        return list(podlab_in_force.not_in_pods((folder / "ca.crt").read_text(), replaced, tmp_path / "pods"))

    assert missing() == [f"{one} lacks an authority: the kubelet has not refreshed it yet"]
    one.write_bytes((folder / "ca.crt").read_bytes())
    assert missing() == []
    rotation.sign_with_next(folder)  # it has both, in whichever order
    assert missing() == []
