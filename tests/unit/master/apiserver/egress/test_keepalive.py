from __future__ import annotations

import socket

from master.apiserver.egress.keepalive import keep_alive


def test_a_peer_that_is_gone_is_found_out_within_three_minutes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            for one in (client, accepted):
                keep_alive(one)
                assert one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                told = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
                idle_s, interval_s, probes = (one.getsockopt(socket.IPPROTO_TCP, name) for name in told)
                assert idle_s + interval_s * probes <= 180
