"""The console's HTTP server on loopback: who may ask, which pages there are, and the way to clusters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from aiohttp import hdrs, web

from podlab import __version__
from podlab.console import guard, pages
from podlab.console.answers import refusal
from podlab.console.clusters import Reachable
from podlab.console.relay import Relay
from podlab.console.sessions import Sessions

LOOPBACK = "127.0.0.1"
_CLUSTERS = "/clusters/"
_ENDS_WITHIN_S = 1.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Console:
    """What the server answers from. `find` says which clusters there are now."""

    port: int
    folder: Path
    sessions: Sessions
    relay: Relay
    find: Callable[[], Reachable]

    @property
    def cookie(self) -> str:
        """Cookies of all ports of a host go to each of them: another console's has another name."""
        return f"podlab-console-{self.port}"

    def application(self) -> web.Application:
        served = pages.Pages(self.folder)
        made = web.Application(middlewares=[self._checked])
        made.router.add_get("/", served.index)
        made.router.add_get("/assets/{name}", served.asset)
        made.router.add_get("/login", self._login)
        made.router.add_get("/console.json", self._described)
        made.router.add_route("*", _CLUSTERS + "{rest:.*}", self._carried)
        return made

    @web.middleware
    async def _checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if trouble := guard.foreign_host(request.headers.get(hdrs.HOST, ""), self.port):
            return refusal(421, "Misdirected", trouble)
        return await handler(request)

    async def _login(self, request: web.Request) -> web.StreamResponse:
        """Exchanges the link's token for the session's cookie, and takes the token out of the address."""
        session = self.sessions.begin(request.query.get("token", ""))
        if session is None:
            return web.Response(
                status=403,
                text="This link was used already, or it is another console's: "
                "open the link that `podlab console` printed last.\n",
            )
        answer = web.Response(status=303, headers={hdrs.LOCATION: "/", hdrs.CACHE_CONTROL: "no-store"})
        answer.set_cookie(self.cookie, session, httponly=True, samesite="Strict", path="/")
        return answer

    async def _described(self, request: web.Request) -> web.StreamResponse:
        """Which clusters there are, for the page."""
        if (refused := self._refused(request)) is not None:
            return refused
        found = self.find()
        clusters = [
            {"name": each.name, "server": each.server, "namespace": each.namespace} for each in found.upstreams.values()
        ]
        body = {"version": __version__, "clusters": clusters, "troubles": found.troubles}
        return web.json_response(body, headers={hdrs.CACHE_CONTROL: "no-store"})

    async def _carried(self, request: web.Request) -> web.StreamResponse:
        if (refused := self._refused(request)) is not None:
            return refused
        name, slash, rest = request.path_qs.removeprefix(_CLUSTERS).partition("/")
        upstream = self.find().upstreams.get(unquote(name))
        if upstream is None:
            return refusal(404, "NotFound", f'cluster "{unquote(name)}" not found: /console.json lists those there are')
        return await self.relay.carry(request, upstream, slash + rest)

    def _refused(self, request: web.Request) -> web.Response | None:
        if not self.sessions.holds(request.cookies.get(self.cookie, "")):
            return refusal(401, "Unauthorized", "open the link that `podlab console` printed last")
        if trouble := guard.foreign_origin(request.method, request.headers):
            return refusal(403, "Forbidden", trouble)
        return None


async def _hardened(request: web.Request, response: web.StreamResponse) -> None:
    pages.harden(response)


@asynccontextmanager
async def serving(console: Console) -> AsyncIterator[None]:
    """While it is open, the console answers on loopback. Raises OSError where the port is taken."""
    application = console.application()
    application.on_response_prepare.append(_hardened)
    runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=_ENDS_WITHIN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, console.port).start()
        yield
    finally:
        await runner.cleanup()
