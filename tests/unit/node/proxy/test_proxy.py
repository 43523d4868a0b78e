"""The proxy's loop on a table that is only in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from podlab_testing.waiting import WITHIN_S

from node.command import CommandError
from node.proxy.backend import Wanted
from node.proxy.exposures import Delta
from node.proxy.frontends import Frontend
from node.proxy.node import ProxyNode
from node.proxy.proxy import Proxy
from node.proxy.stack import Stack
from podlab.client.client import Client, Listed, WatchEvent
from podlab.client.outages import Outages
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta


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


class Tables:
    """A backend that only notes what it is given."""

    def __init__(self) -> None:
        self.verified: asyncio.Queue[None] = asyncio.Queue()
        self.written: asyncio.Queue[Delta] = asyncio.Queue()
        self.others_left: list[str] = ["legacy"]
        self.fail = False

    async def write(self, delta: Delta) -> str:
        self.written.put_nowait(delta)
        if self.fail:
            self.fail = False
            raise CommandError("iptables-restore: exit 4: another program holds the lock")
        return "1 chain"

    async def verify(self) -> str:
        self.verified.put_nowait(None)
        return ""

    async def clean_up_others(self) -> list[str]:
        assert not self.written.empty(), "ours must serve before the others go"
        return [self.others_left.pop()] if self.others_left else []

    def wanted(self) -> Wanted:
        return list


@asynccontextmanager
async def running(cluster: Cluster, tables: Tables, *, verify_period_s: float = 10.0) -> AsyncIterator[Proxy]:
    node = ProxyNode("n1", "10.244.0.0/16")
    loop = Proxy(cast(Client, cluster), "n1", [Stack(node, tables)], verify_period_s=verify_period_s, retry_s=0.01)
    task = asyncio.create_task(loop.run())
    async with asyncio.timeout(WITHIN_S):
        await loop.synced.wait()
        yield loop
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def ports(frontends: Iterable[Frontend]) -> list[int]:
    return [frontend.port for frontend in frontends]


async def test_a_change_is_written_as_what_goes_and_what_comes() -> None:
    cluster, tables = Cluster(), Tables()
    async with running(cluster, tables):
        first = await tables.written.get()
        cluster.change(2)
        second = await tables.written.get()
    assert (ports(first.gone), ports(first.new)) == ([], [1001])
    assert (ports(second.gone), ports(second.new)) == ([1001], [1002])
    assert tables.others_left == []


async def test_rules_are_looked_at_in_time_also_when_something_always_changes() -> None:
    cluster, tables = Cluster(), Tables()
    async with running(cluster, tables, verify_period_s=0.05):
        revision = 1
        while tables.verified.qsize() < 3:
            revision += 1
            cluster.change(revision)
            await tables.written.get()


async def test_a_write_that_fails_is_made_again() -> None:
    cluster, tables = Cluster(), Tables()
    tables.fail = True
    async with running(cluster, tables):
        assert ports((await tables.written.get()).new) == [1001]
        assert await tables.written.get() == Delta()
