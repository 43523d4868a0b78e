"""Ports for servers that a test starts by number."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def reserved_ports(count: int) -> Iterator[tuple[int, ...]]:
    """Ports of loopback that nobody listens on, and that nobody else is given while they are reserved.

    A socket stays bound to each and never listens: the kernel gives the port to nobody who asks for any, and still lets
    a server listen on it that names it and, as gRPC, asyncio and aiohttp do, allows the address to be used again.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("127.0.0.1", 0))
        yield tuple(each.getsockname()[1] for each in sockets)
