"""What monitoring reads at port 9153 of the DNS Service's address: figures of this node, in Prometheus' text format.

The port is CoreDNS', as scrape configurations name it; the figures are ours.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

log = logging.getLogger(__name__)

PORT = 9153
PATH = b"/metrics"
REQUEST_WITHIN_S = 5.0
REQUEST_BYTES = 8192
FORMAT = "text/plain; version=0.0.4; charset=utf-8"
RETRY_S = 10.0

Read = Callable[[], Awaitable[str]]


def render(questions: Mapping[str, int], names: int) -> str:
    """`questions` by what became of them; `names` is how many the servers know."""
    lines = [
        "# HELP podlab_dns_names Names of the cluster that this node answers.",
        "# TYPE podlab_dns_names gauge",
        f"podlab_dns_names {names}",
        "# HELP podlab_dns_questions_total Questions since the servers' start, by what became of them.",
        "# TYPE podlab_dns_questions_total counter",
        *(f'podlab_dns_questions_total{{result="{each}"}} {count}' for each, count in sorted(questions.items())),
    ]
    return "".join(f"{line}\n" for line in lines)


async def serve(address: str, read: Read, *, port: int = PORT) -> None:
    """For ever. While the address or the port cannot be had it is tried again, and nothing else waits for that."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                async with asyncio.timeout(REQUEST_WITHIN_S):
                    await _answer(reader, writer, read)
        finally:
            writer.close()

    while True:
        try:
            server = await asyncio.start_server(answer, address, port, limit=REQUEST_BYTES)
        except OSError as error:
            log.warning("metrics at %s:%d: %s; again in %.0f s", address, port, error, RETRY_S)
            await asyncio.sleep(RETRY_S)
            continue
        async with server:
            await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, read: Read) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, *_ = [*head.split(b"\r\n", 1)[0].split(b" "), b"", b""]
    is_known = method in (b"GET", b"HEAD") and target.partition(b"?")[0] == PATH
    status, body = ("200 OK", await read()) if is_known else ("404 Not Found", "")
    fields = f"Content-Type: {FORMAT}\r\nContent-Length: {len(body)}\r\nConnection: close"
    writer.write(f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n{'' if method == b'HEAD' else body}".encode())
    await writer.drain()
