"""Webhooks: what it costs a create that somebody is asked about it, beside one about which nobody is."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import load
from apiserver import started, tell
from podlab_testing.pod_servers import ServerAuthority
from podlab_testing.webhook_cases import CONFIG_MAPS, configure
from podlab_testing.webhook_server import WebhookServer

CONNECTIONS = 16
ALONE = 200
_PATH = "/api/v1/namespaces/default/configmaps"
_NOBODY = "nobody"
_ASKED: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("validating", "validating", {}),
    ("mutating", "mutating", {"patch": [{"op": "add", "path": "/data/b", "value": "c"}]}),
)
_NAMES = (_NOBODY, *(name for name, _, _ in _ASKED))


async def measure() -> None:
    """Creates of ConfigMaps: nobody is asked, one validating webhook is, one mutating one. The webhooks answer in this
    process, which shares the processor with the server."""
    with tempfile.TemporaryDirectory(prefix="podlab-bench-", dir=Path.cwd()) as directory:
        hooks = WebhookServer(ServerAuthority(Path(directory) / "pki"))
        async with started(Path(directory)) as server:
            await hooks.start()
            session = await server.session(CONNECTIONS)
            for name, kind, answer in _ASKED:
                selector = {"matchLabels": {"asked": name}}
                hook = {"name": name, "type": kind, "rules": [CONFIG_MAPS], "objectSelector": selector}
                await configure(session, hooks, [{**hook, "answer": answer}])
            await _in_turn(session)
            for name in _NAMES:
                await _at_once(session, name)
            await hooks.close()


async def _in_turn(session: aiohttp.ClientSession) -> None:
    """One create after the other, about which nobody, and each webhook, is asked in turn."""
    took_ms: dict[str, list[float]] = {name: [] for name in _NAMES}
    for number in range(ALONE):
        for name, each in took_ms.items():
            begun = time.perf_counter()
            await _create(session, f"alone-{name}-{number}", name)
            each.append((time.perf_counter() - begun) * 1000)
    alone_ms = statistics.median(took_ms.pop(_NOBODY))
    tell("a create over REST, nobody is asked", alone_ms, "ms", 2)
    for name, each in took_ms.items():
        tell(f"a create over REST, a {name} webhook is asked", statistics.median(each) - alone_ms, "ms more", 2)


async def _at_once(session: aiohttp.ClientSession, asked: str) -> None:
    async def write(name: str) -> None:
        await _create(session, f"{asked}-{name}", asked)

    rate = len(await load.write([write] * CONNECTIONS)) / load.WRITE_S
    who = _NOBODY if asked == _NOBODY else f"a {asked} webhook"
    tell(f"durable creates over REST, {CONNECTIONS} connections, {who} is asked", rate, "/s")


async def _create(session: aiohttp.ClientSession, name: str, asked: str) -> None:
    body = {"metadata": {"name": name, "labels": {"asked": asked}}, "data": {"a": "x" * 800}}
    async with session.post(_PATH, json=body) as response:
        assert response.status == 201, await response.text()
