"""The proxy's loop on a table that is only in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from node.iptables import PREFIX, Iptables, IptablesError, Table, parse
from node.proxy.proxy import Proxy
from node.proxy.rules import ProxyNode
from podlab.client.client import Client, Listed, WatchEvent
from podlab.client.outages import Outages
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

PATIENCE_S = 10


def service(revision: int) -> Service:
    spec = ServiceSpec(clusterIP="10.96.0.10", ports=[ServicePort(name="http", protocol="TCP", port=1000 + revision)])
    return Service(metadata=ObjectMeta(name="web", namespace="default", resourceVersion=str(revision)), spec=spec)


class Cluster:
    """Stands in for the client: a Service that `change` changes, and no EndpointSlices."""

    def __init__(self) -> None:
        self.outages = Outages("test")
        self._changes: asyncio.Queue[int] = asyncio.Queue()

    def change(self, revision: int) -> None:
        self._changes.put_nowait(revision)

    async def list(self, kind: type[Any], namespace: str = "", **_: str) -> Listed[Any]:
        return Listed([service(1)] if kind is Service else [], "1")

    async def watch(
        self, kind: type[Any], revision: str, namespace: str, *, on_open: Callable[[], None], **_: str
    ) -> AsyncIterator[Sequence[WatchEvent[Any]]]:
        on_open()
        while True:
            number = await (self._changes.get() if kind is Service else asyncio.Event().wait())
            yield [WatchEvent("MODIFIED", service(number), str(number))]


class Tables(Iptables):
    """What restore was given, instead of a kernel."""

    def __init__(self) -> None:
        super().__init__("nft")
        self.reads = 0
        self.written: asyncio.Queue[str] = asyncio.Queue()
        self.others_left: list[str] = ["legacy"]
        self.fail = False

    async def read(self, prefix: str = PREFIX) -> dict[str, Table]:
        self.reads += 1
        return parse("", prefix)

    async def restore(self, text: str) -> None:
        if self.fail:
            self.fail = False
            raise IptablesError("iptables-restore: exit 4: another program holds the lock")
        if text:
            self.written.put_nowait(text)

    async def clean_up_others(self, prefix: str) -> list[str]:
        assert not self.written.empty(), "ours must serve before the others go"
        return [self.others_left.pop()] if self.others_left else []


@asynccontextmanager
async def running(cluster: Cluster, tables: Tables, *, verify_period_s: float = 10.0) -> AsyncIterator[Proxy]:
    node = ProxyNode("n1", "10.244.0.0/16")
    loop = Proxy(cast(Client, cluster), node, tables, verify_period_s=verify_period_s, retry_s=0.01)
    task = asyncio.create_task(loop.run())
    async with asyncio.timeout(PATIENCE_S):
        await loop.synced.wait()
        yield loop
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_change_is_written_as_a_difference_without_reading_everything_again() -> None:
    cluster, tables = Cluster(), Tables()
    async with running(cluster, tables):
        assert "--dport 1001" in await tables.written.get()
        cluster.change(2)
        written = await tables.written.get()
    assert "--dport 1002" in written
    assert "PODLAB-SNAT" not in written
    assert tables.reads == 1
    assert tables.others_left == []


async def test_rules_are_looked_at_in_time_also_when_something_always_changes() -> None:
    cluster, tables = Cluster(), Tables()
    async with running(cluster, tables, verify_period_s=0.05):
        revision = 1
        while tables.reads < 3:
            revision += 1
            cluster.change(revision)
            await tables.written.get()


async def test_a_write_that_fails_is_made_again_from_what_then_stands() -> None:
    cluster, tables = Cluster(), Tables()
    tables.fail = True
    async with running(cluster, tables):
        assert "--dport 1001" in await tables.written.get()
    assert tables.reads == 2
