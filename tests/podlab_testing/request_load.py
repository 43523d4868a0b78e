"""So many requests a second to one address, for as long as a test wants, and what became of each."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

CLIENTS = 20
WITHIN_S = 10.0


@dataclass
class RequestLoad:
    """GETs of the host from `CLIENTS` clients, in turn over HTTP and TLS, on connections that are kept or made anew.

    A context manager; `failures` has what was no answer 200, and `delays_s` how long the others took.
    """

    address: str
    host: str
    per_second: int
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _context: ssl.SSLContext = field(default_factory=lambda: _anybody(), repr=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(30)

    @property
    def p99_ms(self) -> float:
        ordered = sorted(self.delays_s)
        return ordered[len(ordered) * 99 // 100] * 1000

    async def _run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(CLIENTS)))

    async def _client(self, number: int) -> None:
        """Each has its own moments, so that requests are spread over the second."""
        secure, kept = number % 2 == 0, number % 4 < 2
        period_s = CLIENTS / self.per_second
        due_s = time.monotonic() + period_s * number / CLIENTS
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self._stop.is_set():
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            due_s += period_s
            began_s = time.monotonic()
            try:
                async with asyncio.timeout(WITHIN_S):
                    connection = connection or await self._connect(secure)
                    goes_on = await self._ask(*connection)
                self.delays_s.append(time.monotonic() - began_s)
            except (OSError, EOFError, ValueError) as error:
                self.failures.append(f"{time.strftime('%X')} {'https' if secure else 'http'} {kept=}: {error!r}")
                goes_on = False
            if connection is not None and not (kept and goes_on):
                await _close(connection[1])
                connection = None
        if connection is not None:
            await _close(connection[1])

    async def _connect(self, secure: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not secure:
            return await asyncio.open_connection(self.address, 80)
        return await asyncio.open_connection(self.address, 443, ssl=self._context, server_hostname=self.host)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again. Raises ValueError for another answer than 200."""
        writer.write(f"GET / HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if " 200 " not in head.partition("\r\n")[0]:
            raise ValueError(head)
        body = await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r")[0]))
        self.answers[body.decode().partition(" ")[0]] += 1
        return "connection: close" not in head


def _anybody() -> ssl.SSLContext:
    """Takes any certificate. Making one takes longer than many requests."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):  # whoever is gone cannot say goodbye
        await writer.wait_closed()
