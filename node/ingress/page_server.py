"""Hands the page of routes to HAProxy, which shows it: a page may be larger than what HAProxy returns by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

SOCKET = "page.sock"
_WITHIN_S = 5.0
_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"


class PageServer:
    """`run` for ever; `page` is what is shown. The socket is in a directory of this user's own."""

    def __init__(self, directory: Path) -> None:
        self.page = ""
        self._path = directory / SOCKET

    async def run(self) -> None:
        """Raises OSError."""
        self._path.unlink(missing_ok=True)
        async with await asyncio.start_unix_server(self._answer, self._path) as server:
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The same for whatever is asked."""
        try:
            async with asyncio.timeout(_WITHIN_S):
                await reader.readuntil(b"\r\n\r\n")
                body = self.page.encode()
                writer.write(_HEAD.format(len(body)).encode() + body)
                await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            return  # whoever asked has gone
        finally:
            writer.close()
