from __future__ import annotations

import socket

import pytest

from node.kubelet.server.https import https_server


def test_all_addresses_are_of_both_families() -> None:
    with https_server.listen("0.0.0.0", 0) as listening:
        with socket.create_connection(("127.0.0.1", listening.getsockname()[1]), 1):
            pass
        with socket.create_connection(("::1", listening.getsockname()[1]), 1):
            pass


def test_one_address_is_that_alone() -> None:
    with https_server.listen("127.0.0.1", 0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_told() -> None:
    with https_server.listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(RuntimeError, match=rf"^cannot listen on 127.0.0.1:{port}: .*; `ss -ltnp` shows who holds"):
            https_server.listen("127.0.0.1", port)
