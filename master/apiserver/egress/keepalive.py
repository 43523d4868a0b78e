"""TCP keepalive as Go's servers and clients have it: a peer that is gone without a word is found out.

Connections whose bytes are only passed on, as those of a proxied WebSocket, can be told apart from idle ones by no
other means. https://pkg.go.dev/net#KeepAliveConfig
"""

from __future__ import annotations

import socket

IDLE_S = 15
INTERVAL_S = 15
PROBES = 9


def keep_alive(connection: socket.socket) -> None:
    """Probe the peer while nothing is said; after the last probe without an answer the connection breaks off."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, INTERVAL_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
