"""Members of a real etcd die, hang and come back while two servers write: what was acknowledged holds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from podlab_testing.counting import Counting
from podlab_testing.etcd import PROGRAM, EtcdCluster, EtcdMember, running

from master.store.contract import Put
from master.store.errors import Unreachable
from master.store.etcd.access import access
from master.store.etcd.store import EtcdStore

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"there is no {PROGRAM} (scripts/bootstrap servers)")
# Two are promised on a machine that does nothing else; this proves no more than that nobody waits for the lost one.
MOVED_ON_S = 20.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[EtcdCluster]:
    with running(tmp_path, 3) as made:
        yield made


@pytest.fixture
async def stores(cluster: EtcdCluster) -> AsyncIterator[list[EtcdStore]]:
    """Two servers' stores, each of which asks another member first."""
    first, second, third = cluster.endpoints
    async with AsyncExitStack() as stack:
        opened = []
        for endpoints in ((first, second, third), (second, third, first)):
            opened.append(await EtcdStore.open(access(endpoints)))
            stack.push_async_callback(opened[-1].close)
        yield opened


def asked_by(cluster: EtcdCluster, store: EtcdStore) -> EtcdMember:
    """The member that the store uses."""
    return next(member for member in cluster.members if member.endpoint == store.endpoint)


async def test_members_are_killed_and_hang_under_load(cluster: EtcdCluster, stores: list[EtcdStore]) -> None:
    counting = Counting(stores)
    async with counting.running():
        for _ in range(2):
            leader = await asyncio.to_thread(cluster.leader)
            leader.kill()
            await counting.until_all_go_on()
            leader.start()
            await asyncio.to_thread(cluster.wait)
            used = asked_by(cluster, stores[0])
            used.hang()
            await counting.until_all_go_on()
            used.go_on()
            await asyncio.to_thread(cluster.wait)
            await counting.until_all_go_on()
    await counting.check()


@pytest.mark.parametrize("fault", ["kill", "hang"])
async def test_reads_and_watches_go_on_soon_when_the_member_in_use_is_lost(
    cluster: EtcdCluster, stores: list[EtcdStore], fault: str
) -> None:
    store, other = stores
    leader = await asyncio.to_thread(cluster.leader)
    if asked_by(cluster, store) is leader:  # its loss would cost an election as well
        store, other = other, store
    at = await store.commit([Put("/a", b"1", 0)])
    watch = store.watch("/", at)
    coming = asyncio.ensure_future(anext(watch))
    await store.commit([Put("/b", b"1", 0)])
    assert [change.key for change in await coming] == ["/b"]
    lost = asked_by(cluster, store)
    if asked_by(cluster, other) is lost:
        other = store
    coming = asyncio.ensure_future(anext(watch))
    getattr(lost, fault)()
    began_s = time.monotonic()
    entry = await store.get("/a")
    assert entry is not None
    assert time.monotonic() - began_s < MOVED_ON_S
    assert asked_by(cluster, store) is not lost
    await store.commit([Put("/c", b"1", 0)])
    assert [change.key for change in await asyncio.wait_for(coming, MOVED_ON_S)] == ["/c"]
    assert time.monotonic() - began_s < MOVED_ON_S
    if fault == "hang":
        lost.go_on()
    await watch.aclose()


async def test_without_a_majority_nothing_is_answered_and_nothing_is_lost(
    cluster: EtcdCluster, stores: list[EtcdStore]
) -> None:
    store = stores[0]
    at = await store.commit([Put("/a", b"1", 0)])
    dead = cluster.members[1:]
    for member in dead:
        member.kill()
    with pytest.raises(Unreachable, match=r"etcd at .* does not answer: .*look at its members"):
        await store.get("/a")
    for member in dead:
        member.start()
    await asyncio.to_thread(cluster.wait)
    entry = await store.get("/a")
    assert entry is not None
    assert entry.mod_revision == at


async def test_a_store_that_no_member_answers_for_is_told_by_its_endpoints(free_ports: tuple[int, ...]) -> None:
    endpoints = [f"127.0.0.1:{port}" for port in free_ports]
    with pytest.raises(Unreachable, match=f"{endpoints[0]}, .*does not answer: .*refused"):
        await EtcdStore.open(access(endpoints))
