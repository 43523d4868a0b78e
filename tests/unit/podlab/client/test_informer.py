from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client, Listed, WatchEvent
from podlab.client.informer import BACKOFF_LIMIT_S, Informer
from podlab.client.outages import Outages
from podlab.core.v1 import config_pb2
from podlab.errors import Expired, ServiceUnavailable, TooManyRequests
from podlab.meta.v1.meta_pb2 import ObjectMeta


class Flaky:
    """A server whose lists work and whose watches end as they are told to: `script` holds errors and batches."""

    def __init__(self, script: list[Any]) -> None:
        self.outages = Outages("m:7443")
        self.lists = 0
        self.done = asyncio.Event()
        self._script = script

    async def list(self, kind: Any, namespace: str, **_: Any) -> Listed[Any]:
        self.lists += 1
        return Listed([], "1")

    async def connected(self, within_s: float) -> bool:
        return True

    async def watch(self, *_: Any, **__: Any) -> AsyncIterator[list[WatchEvent[Any]]]:
        while self._script:
            step = self._script.pop(0)
            if isinstance(step, Exception):
                raise step
            yield step
        self.done.set()
        await asyncio.Event().wait()


async def rests(script: list[Any]) -> tuple[list[float], Flaky]:
    """How long an informer waits after each failure."""
    delays: list[float] = []

    async def sleep(delay_s: float) -> None:
        delays.append(delay_s)
        await asyncio.sleep(0)

    client = Flaky(script)
    running = asyncio.create_task(Informer(cast(Client, client), config_pb2.ConfigMap, sleep=sleep).run())
    await asyncio.wait_for(client.done.wait(), WITHIN_S)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return delays, client


async def test_rests_grow_while_watches_fail_though_lists_work() -> None:
    delays, client = await rests([ServiceUnavailable("away") for _ in range(9)])
    assert delays[0] <= 0.1
    assert 0.4 <= delays[3] <= 0.8
    assert all(BACKOFF_LIMIT_S / 2 <= delay <= BACKOFF_LIMIT_S for delay in delays[5:])
    assert client.lists == 1


async def test_a_batch_ends_the_back_off() -> None:
    away = ServiceUnavailable("away")
    bookmark = [WatchEvent("BOOKMARK", None, "7")]
    delays, _ = await rests([away, away, away, away, bookmark, away])
    assert delays[3] >= 0.4
    assert delays[4] <= 0.1


async def test_a_server_that_says_when_to_come_again_is_heard() -> None:
    delays, _ = await rests([TooManyRequests("full", retry_after_s=30)])
    assert delays == [30]


async def test_who_is_too_late_lists_again_and_not_in_a_hurry_for_ever() -> None:
    delays, client = await rests([Expired("too old") for _ in range(8)])
    assert client.lists == 9
    assert delays[0] <= 0.1
    assert delays[-1] >= BACKOFF_LIMIT_S / 2


async def test_what_is_trimmed_off_is_not_kept() -> None:
    def trim(config: config_pb2.ConfigMap) -> config_pb2.ConfigMap:
        return config_pb2.ConfigMap(metadata=config.metadata)

    metadata = ObjectMeta(name="settings", namespace="default", resourceVersion="2")
    whole = config_pb2.ConfigMap(metadata=metadata, data={"key": "value"})
    client = Flaky([[WatchEvent("ADDED", whole, "2")]])
    informer = Informer(cast(Client, client), config_pb2.ConfigMap, trim=trim)
    heard: list[config_pb2.ConfigMap | None] = []
    informer.on_change(lambda change: heard.append(change.new))
    running = asyncio.create_task(informer.run())
    await asyncio.wait_for(client.done.wait(), WITHIN_S)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert heard == informer.list() == [config_pb2.ConfigMap(metadata=metadata)]
