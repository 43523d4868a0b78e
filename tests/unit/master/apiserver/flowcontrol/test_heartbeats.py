from __future__ import annotations

import asyncio

import pytest

from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.flowcontrol.heartbeats import HeartbeatBatches, is_heartbeat
from master.apiserver.request.info import RequestInfo

LONG_S = 30.0


@pytest.mark.parametrize(
    ("verb", "resource", "namespace", "expected"),
    [
        pytest.param("update", "leases", "kube-node-lease", True, id="a renewal"),
        pytest.param("patch", "leases", "kube-node-lease", True, id="a renewal by patch"),
        pytest.param("create", "leases", "kube-node-lease", False, id="the first, without which a node is not ready"),
        pytest.param("get", "leases", "kube-node-lease", False, id="looking at one"),
        pytest.param("update", "leases", "kube-system", False, id="an election's lease, which must not be late"),
        pytest.param("update", "pods", "kube-node-lease", False, id="something else there"),
    ],
)
def test_only_renewals_of_nodes_leases_are_heartbeats(verb: str, resource: str, namespace: str, expected: bool) -> None:
    wanted = Attributes(verb, "coordination.k8s.io", resource, namespace, "n1")
    assert is_heartbeat(RequestInfo(User("system:node:n1", frozenset()), (wanted,), "/x", verb)) is expected


async def test_who_comes_alone_does_not_wait() -> None:
    async with asyncio.timeout(LONG_S / 2):
        await HeartbeatBatches(LONG_S).next_batch()


async def test_who_follows_goes_on_together() -> None:
    gathering, gone = HeartbeatBatches(0.05), []

    async def come(name: str) -> None:
        await gathering.next_batch()
        gone.append(name)

    await come("first")
    others = [asyncio.create_task(come(name)) for name in ("second", "third")]
    await asyncio.sleep(0)
    assert gone == ["first"]
    await asyncio.gather(*others)
    assert sorted(gone) == ["first", "second", "third"]


async def test_after_a_while_without_anybody_nobody_waits_again() -> None:
    length_s, loop = 0.01, asyncio.get_running_loop()
    gathering = HeartbeatBatches(length_s)
    async with asyncio.timeout(LONG_S):
        for _ in range(3):
            await gathering.next_batch()
            ended = asyncio.Event()
            loop.call_later(length_s, ended.set)  # just after the batch, which was begun before
            await ended.wait()


async def test_who_gives_up_waiting_holds_nobody_back() -> None:
    gathering = HeartbeatBatches(0.02)
    await gathering.next_batch()
    impatient, patient = (asyncio.create_task(gathering.next_batch()) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    async with asyncio.timeout(LONG_S):
        await patient
