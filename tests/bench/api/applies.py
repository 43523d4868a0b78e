"""Server-side apply: how many Deployments a second are created, changed and left alone so, durably, over REST."""

from __future__ import annotations

from typing import Any

import aiohttp
import load
import orjson
from apiserver import ApiServer, started, tell

CONNECTIONS = 16
_PATH = "/apis/apps/v1/namespaces/default/deployments/"
_HEADERS = {"Content-Type": "application/apply-patch+yaml"}


async def measure() -> None:
    """Each connection has one to change, and one that stays; what differs is the image."""
    async with started() as server:
        session = await server.session(CONNECTIONS)
        for what, own in (("that create", False), ("that change", True)):
            await _applied(server, f"applies {what}, {CONNECTIONS} connections", session, own=own, changing=True)
        await _applied(server, f"applies that change nothing, {CONNECTIONS} connections", session, own=True)


async def _applied(
    server: ApiServer, title: str, session: aiohttp.ClientSession, *, own: bool, changing: bool = False
) -> None:
    def writer(number: int) -> load.Write:
        async def write(name: str) -> None:
            body = _configuration(f"own-{number}" if own else name, name if changing else "same")
            await _apply(session, body)

        return write

    before_s = server.cpu_s()
    with server.watched(title):
        took = await load.write([writer(number) for number in range(CONNECTIONS)])
    tell(f"{title}, CPU of the server for each", (server.cpu_s() - before_s) / len(took) * 1e6, "us")
    tell(title, len(took) / load.WRITE_S, "/s")


async def _apply(session: aiohttp.ClientSession, body: dict[str, Any]) -> None:
    at = f"{_PATH}{body['metadata']['name']}?fieldManager=bench"
    async with session.patch(at, data=orjson.dumps(body), headers=_HEADERS) as response:
        assert response.status in (200, 201), await response.text()


def _configuration(name: str, tag: str) -> dict[str, Any]:
    env = [{"name": f"SETTING_{number}", "value": "value"} for number in range(8)]
    container = {"name": "main", "image": f"hello:{tag}", "ports": [{"containerPort": 8080}], "env": env}
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template},
    }
