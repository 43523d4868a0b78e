"""The loop on a table that is only in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest
from podlab_testing.policy_cases import policy
from podlab_testing.waiting import WITHIN_S

from node.command import CommandError, NotInstalled
from node.networkpolicy.cut import FlowCutter
from node.networkpolicy.enforcer import Enforcer, remove_table
from node.networkpolicy.table import PolicyTable
from node.nftables import Nft
from podlab.client.client import Client, Listed, WatchEvent
from podlab.client.outages import Outages
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.pod_pb2 import Pod, PodIP, PodSpec, PodStatus
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy

WEB, DB = "10.244.1.5", "10.244.1.6"


def pod(name: str, address: str, revision: int = 1, phase: str = "Running") -> Pod:
    metadata = ObjectMeta(name=name, namespace="shop", labels={"app": name}, resourceVersion=str(revision))
    status = PodStatus(phase=phase, podIP=address, podIPs=[PodIP(ip=address)])
    return Pod(metadata=metadata, spec=PodSpec(nodeName="n1"), status=status)


def closing(name: str, revision: int = 1) -> NetworkPolicy:
    """A policy that keeps everything out of one pod."""
    made = policy(0, podSelector={"matchLabels": {"app": name}}, policyTypes=["Ingress"])
    made.metadata.name, made.metadata.resourceVersion = name, str(revision)
    return made


def opening(name: str) -> NetworkPolicy:
    """A policy that lets pods of the same namespace reach one of them."""
    made = policy(
        0,
        podSelector={"matchLabels": {"app": name}},
        policyTypes=["Ingress"],
        ingress=[{"from": [{"podSelector": {}}]}],
    )
    made.metadata.resourceVersion = "1"
    return made


class FakeCluster:
    """Stands in for the client: what it lists at first, and what `tell` says later."""

    def __init__(self, *policies: NetworkPolicy) -> None:
        self.outages = Outages("test")
        self._listed: dict[type[Any], list[Any]] = {
            NetworkPolicy: list(policies),
            Namespace: [Namespace(metadata=ObjectMeta(name="shop", resourceVersion="1"))],
            Pod: [pod("web", WEB), pod("db", DB)],
        }
        self._events: dict[type[Any], asyncio.Queue[WatchEvent[Any]]] = {kind: asyncio.Queue() for kind in self._listed}

    def tell(self, event: str, obj: Any) -> None:
        self._events[type(obj)].put_nowait(WatchEvent(event, obj, obj.metadata.resourceVersion))

    async def list(self, kind: type[Any], namespace: str = "", **_: str) -> Listed[Any]:
        return Listed(self._listed[kind], "1")

    async def watch(
        self, kind: type[Any], revision: str, namespace: str, *, on_open: Callable[[], None], **_: str
    ) -> AsyncIterator[Sequence[WatchEvent[Any]]]:
        on_open()
        while True:
            yield [await self._events[kind].get()]


class Kernel(Nft):
    """What was applied, instead of a kernel."""

    def __init__(self) -> None:
        self.applied: asyncio.Queue[str] = asyncio.Queue()
        self.table = "as written"
        self.error: CommandError | None = None
        self.changes = 0
        self.looked_at = asyncio.Event()

    async def generation(self) -> int:
        return self.changes

    async def apply(self, script: str) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.table = "as written"
        self.changes += 1
        self.applied.put_nowait(script)

    async def listing(self, family: str, table: str) -> str:
        self.looked_at.set()
        if not self.table:
            raise CommandError("nft list table: exit 1: No such file or directory")
        return self.table


class Flows(FlowCutter):
    """Counts how often flows were looked through."""

    def __init__(self) -> None:
        self.cuts = 0

    async def cut(self, table: PolicyTable) -> int:
        self.cuts += 1
        return 0


@asynccontextmanager
async def running(
    cluster: FakeCluster, kernel: Kernel, flows: Flows | None = None, *, verify_period_s: float = 10.0
) -> AsyncIterator[Enforcer]:
    client, cutter = cast(Client, cluster), flows or Flows()
    loop = Enforcer(client, "n1", kernel, cutter, verify_period_s=verify_period_s, retry_s=0.01)
    task = asyncio.create_task(loop.run())
    async with asyncio.timeout(WITHIN_S):
        await loop.synced.wait()
        yield loop
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_at_its_start_the_whole_table_takes_the_place_of_what_is_there() -> None:
    kernel = Kernel()
    async with running(FakeCluster(closing("web")), kernel) as loop:
        script = await kernel.applied.get()
        assert script.startswith("add table inet podlab-policy\ndelete table inet podlab-policy\n")
        assert f"{{ {WEB} : jump ingress-ns-shop }}" in script
        assert loop.table.isolated == {WEB}


async def test_a_change_is_written_as_a_difference() -> None:
    cluster, kernel = FakeCluster(closing("web")), Kernel()
    async with running(cluster, kernel):
        await kernel.applied.get()
        cluster.tell("ADDED", closing("db", 2))
        script = await kernel.applied.get()
        assert f"add element inet podlab-policy ingress-pods {{ {DB} : jump ingress-ns-shop }}" in script
        assert WEB not in script
        cluster.tell("DELETED", closing("db", 3))
        script = await kernel.applied.get()
        assert f"delete element inet podlab-policy ingress-pods {{ {DB} : jump ingress-ns-shop }}" in script


async def test_without_policies_there_is_no_table() -> None:
    cluster, kernel = FakeCluster(), Kernel()
    async with running(cluster, kernel):
        assert await kernel.applied.get() == "add table inet podlab-policy\ndelete table inet podlab-policy\n"
        cluster.tell("ADDED", closing("web", 2))
        assert "hook forward" in await kernel.applied.get()
        cluster.tell("DELETED", closing("web", 3))
        assert await kernel.applied.get() == "add table inet podlab-policy\ndelete table inet podlab-policy\n"


async def test_a_pod_whose_status_alone_changes_writes_nothing() -> None:
    cluster, kernel = FakeCluster(closing("web")), Kernel()
    async with running(cluster, kernel):
        await kernel.applied.get()
        cluster.tell("MODIFIED", pod("web", WEB, 2))
        cluster.tell("MODIFIED", pod("web", WEB, 3, phase="Succeeded"))
        assert "delete table" in await kernel.applied.get()  # the first change: nobody is isolated any more
        assert kernel.applied.empty()


@pytest.mark.parametrize("shown", ["", "with a rule of somebody else's"])
async def test_a_table_that_another_program_changed_or_removed_is_written_again(shown: str) -> None:
    kernel, flows = Kernel(), Flows()
    async with running(FakeCluster(closing("web")), kernel, flows, verify_period_s=0.02):
        whole = await kernel.applied.get()
        await kernel.looked_at.wait()
        kernel.table = shown
        kernel.changes += 1
        assert await kernel.applied.get() == whole
        await kernel.looked_at.wait()
        assert flows.cuts == 2


async def test_a_table_is_looked_at_again_only_when_some_rule_was_changed() -> None:
    kernel = Kernel()
    async with running(FakeCluster(closing("web")), kernel, verify_period_s=0.01):
        await kernel.applied.get()
        await kernel.looked_at.wait()
        kernel.looked_at.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(kernel.looked_at.wait(), 0.1)
        kernel.changes += 1  # of another table
        await kernel.looked_at.wait()
        assert kernel.applied.empty()


async def test_where_others_change_rules_meanwhile_the_table_is_written_again_to_be_sure() -> None:
    class Busy(Kernel):
        async def generation(self) -> int:
            self.changes += 1
            return self.changes

    kernel = Busy()
    async with running(FakeCluster(closing("web")), kernel, verify_period_s=0.02):
        whole = await kernel.applied.get()
        assert await kernel.applied.get() == whole
        await kernel.looked_at.wait()
        assert kernel.applied.empty()


async def test_a_write_that_failed_is_done_again_as_a_whole() -> None:
    cluster, kernel = FakeCluster(closing("web")), Kernel()
    async with running(cluster, kernel):
        await kernel.applied.get()
        kernel.error = CommandError("nft -f -: exit 1: No such file or directory")
        cluster.tell("ADDED", closing("db", 2))
        script = await kernel.applied.get()
        assert script.startswith("add table inet podlab-policy\ndelete table inet podlab-policy\n")
        assert WEB in script
        assert DB in script


async def test_a_policy_that_cannot_be_understood_does_no_harm_to_others(caplog: pytest.LogCaptureFixture) -> None:
    odd = policy(1, podSelector={"matchExpressions": [{"key": "app", "operator": "Like", "values": ["w"]}]})
    kernel = Kernel()
    async with running(FakeCluster(odd, closing("web")), kernel) as loop:
        assert loop.table.isolated == {WEB}
    assert 'NetworkPolicy/shop/policy-1 is left out: "Like" is not a valid label selector operator' in caplog.text


async def test_removing_the_table_where_nft_is_not_installed_is_no_error() -> None:
    kernel = Kernel()
    assert await remove_table(kernel)
    kernel.error = NotInstalled("nft: not found; install the nftables package")
    assert not await remove_table(kernel)


async def test_flows_are_looked_through_when_less_may_pass_than_before() -> None:
    cluster, kernel, flows = FakeCluster(opening("web")), Kernel(), Flows()
    async with running(cluster, kernel, flows):
        await kernel.applied.get()
        assert flows.cuts == 1
        cluster.tell("ADDED", pod("cache", "10.244.2.5", 2))
        assert "add element inet podlab-policy pods-" in await kernel.applied.get()
        assert flows.cuts == 1
        cluster.tell("DELETED", pod("cache", "10.244.2.5", 3))
        assert "delete element inet podlab-policy pods-" in await kernel.applied.get()
        cluster.tell("ADDED", closing("db", 4))
        await kernel.applied.get()
        assert flows.cuts >= 2
