"""/healthz, /livez and /readyz: each a few checks, told one by one to whom asks for them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from master.apiserver.watchcache.cache import Cache
from podlab.errors import NotFound

PATHS = ("healthz", "livez", "readyz")
# A check that takes longer has failed.
CHECK_LIMIT_S = 5.0
Check = Callable[[], Awaitable[object]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """Answers /healthz, /livez and /readyz, and single checks below them."""

    cache: Cache

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """200 when all is well, else 500 with every check. Raises NotFound for a check that there is not."""
        root, _, name = request.path.strip("/").partition("/")
        checks = self._checks(root)
        if name:
            if name not in checks:
                raise NotFound("the server could not find the requested resource")
            failed = await _failed({name: checks[name]})
            return web.Response(
                text=f"internal server error: {name} failed" if failed else "ok", status=500 if failed else 200
            )
        excluded = request.query.getall("exclude", [])
        failed = await _failed({name: check for name, check in checks.items() if name not in excluded})
        if not failed and "verbose" not in request.query:
            return web.Response(text="ok")
        told = _told(root, tuple(checks), failed, excluded)
        return web.Response(text=told, status=500 if failed else 200, headers={"X-Content-Type-Options": "nosniff"})

    def _checks(self, root: str) -> Mapping[str, Check]:
        alive: dict[str, Check] = {"ping": _ping, "store": self.cache.store.revision}
        return alive if root == "livez" else {**alive, "informer-sync": self._in_sync}

    async def _in_sync(self) -> None:
        await self.cache.reach(await self.cache.moments.now())


async def _ping() -> None:
    """Who can call it is alive."""


async def _failed(checks: Mapping[str, Check]) -> set[str]:
    failed: set[str] = set()
    for name, check in checks.items():
        try:
            async with asyncio.timeout(CHECK_LIMIT_S):
                await check()
        except Exception as error:  # whatever it is, the server is not well
            log.warning("health check %s failed: %s", name, error or type(error).__name__)
            failed.add(name)
    return failed


def _told(root: str, checks: Sequence[str], failed: set[str], excluded: Sequence[str]) -> str:
    lines = []
    for name in checks:
        if name in excluded:
            lines.append(f"[+]{name} excluded: ok")
        else:
            lines.append(f"[-]{name} failed: reason withheld" if name in failed else f"[+]{name} ok")
    if unknown := [name for name in excluded if name not in checks]:
        names = ", ".join(f'"{name}"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {names}")
    lines.append(f"{root} check {'failed' if failed else 'passed'}")
    return "\n".join(lines) + "\n"
