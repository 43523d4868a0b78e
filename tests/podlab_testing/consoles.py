"""The console's server before an API server of the test's own, and a browser's part in talking to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from podlab.console.clusters import Reachable
from podlab.console.relay import Relay
from podlab.console.server import Console, serving
from podlab.console.sessions import Sessions
from podlab.console.upstream import Upstream
from podlab.tls import Tls


@dataclass(frozen=True)
class Opened:
    """A console that answers. `tokens` are those that it offered, the last one is good."""

    url: str
    tokens: list[str]

    @property
    def link(self) -> str:
        return f"{self.url}/login?token={self.tokens[-1]}"

    @property
    def origin(self) -> dict[str, str]:
        """What a browser says of the page that writes."""
        return {"Origin": self.url}


def upstream(name: str, rest_port: int, tls: Tls, token: str = "") -> Upstream:
    """An API server on loopback, as the user of that certificate, or of the token."""
    shown = (b"", b"") if token else (tls.cert.read_bytes(), tls.key.read_bytes())
    return Upstream(name, f"https://127.0.0.1:{rest_port}", tls.ca.read_bytes(), *shown, token=token)


@asynccontextmanager
async def console(port: int, folder: Path, *upstreams: Upstream) -> AsyncIterator[Opened]:
    """A console for these clusters."""
    tokens: list[str] = []
    async with Relay() as relay:
        found = Reachable({each.name: each for each in upstreams})
        made = Console(port, folder, Sessions(tokens.append), relay, lambda: found)
        async with serving(made):
            made.sessions.offer()
            yield Opened(f"http://127.0.0.1:{port}", tokens)


@asynccontextmanager
async def signed_in(opened: Opened) -> AsyncIterator[aiohttp.ClientSession]:
    """A client with a session's cookie."""
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of addresses, as browsers keep them
    async with aiohttp.ClientSession(opened.url, cookie_jar=jar) as client:
        async with client.get(opened.link) as answer:
            assert answer.status == 200, await answer.text()
        yield client
