"""Several schedulers: one leads, and another takes over when that one is stopped, killed, frozen or deposed."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from grpc_health.v1.health_pb2 import HealthCheckResponse
from podlab_testing.cluster import Cluster
from podlab_testing.elected import LEASE, SchedulerProcess, leads
from podlab_testing.ports import reserved_ports
from podlab_testing.scheduling_cluster import AddNode, Explain, SchedulerPods
from podlab_testing.waiting import WITHIN_S

from master.scheduler.settings import SchedulerSettings
from podlab.client.client import Client
from podlab.client.leaderelection.candidacy import HEALTH_SERVICE
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.event_pb2 import Event

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


@pytest.fixture
def two_ports() -> Iterator[tuple[int, ...]]:
    with reserved_ports(2) as ports:
        yield ports


@pytest.fixture
def lease_duration_s() -> int:
    """The default; a test that must not see it run out, however busy the machine, says a longer one."""
    return SchedulerSettings.lease_duration_s


@pytest.fixture
async def schedulers(
    cluster: Cluster, admin: Client, tmp_path: Path, two_ports: tuple[int, ...], lease_duration_s: int
) -> AsyncIterator[tuple[SchedulerProcess, SchedulerProcess]]:
    """The first leads, and the second waits for its turn."""
    first, second = (
        SchedulerProcess(cluster, tmp_path / f"scheduler-{port}", port, lease_duration_s) for port in two_ports
    )
    try:
        await first.start()
        await leads(admin, first.address, WITHIN_S)
        await second.start()
        yield first, second
    finally:
        await first.close()
        await second.close()


Pair = tuple[SchedulerProcess, SchedulerProcess]


async def holder(admin: Client) -> Lease:
    return await admin.get(Lease, LEASE, "kube-system")


@pytest.mark.parametrize("lease_duration_s", [60])
async def test_another_leads_at_once_when_the_leader_is_stopped(
    schedulers: Pair,
    admin: Client,
    pods: SchedulerPods,
    add_node: AddNode,
    explain: Explain,
    lease_duration_s: int,
) -> None:
    first, second = schedulers
    await add_node("n1")
    await pods.create("a")
    assert await pods.bound("a") == "n1"
    transitions = (await holder(admin)).spec.leaseTransitions
    await _waits(second)
    first.send(signal.SIGTERM)
    took_s = await leads(admin, second.address, lease_duration_s / 2)
    print(f"stopped: another led after {took_s:.2f} s")
    assert await first.ended(WITHIN_S) == 0
    await pods.create("b")
    assert await pods.bound("b") == "n1"
    assert (await explain("b")).node_name == "n1"
    assert (await holder(admin)).spec.leaseTransitions > transitions
    told = [
        event.message for event in (await admin.list(Event, "kube-system")).items if event.reason == "LeaderElection"
    ]
    assert [message.split(" ", 1)[1] for message in told].count("became leader") >= 1
    assert any(message.endswith("stopped leading") for message in told)


async def test_another_leads_when_the_lease_of_a_killed_leader_has_run_out(schedulers: Pair, admin: Client) -> None:
    first, second = schedulers
    await _waits(second)
    first.send(signal.SIGKILL)
    took_s = await leads(admin, second.address, WITHIN_S)
    print(f"killed: another led after {took_s:.2f} s")


@pytest.mark.parametrize("lease_duration_s", [120])
async def test_what_is_started_in_place_of_a_killed_leader_leads_without_waiting(
    schedulers: Pair, admin: Client, lease_duration_s: int
) -> None:
    first, second = schedulers
    await _waits(second)
    before = (await holder(admin)).spec.holderIdentity
    first.send(signal.SIGKILL)
    await first.ended(WITHIN_S)
    killed_s = time.monotonic()
    await first.start()
    while (await holder(admin)).spec.holderIdentity == before:
        assert time.monotonic() - killed_s < lease_duration_s / 2
    assert (await holder(admin)).metadata.annotations["podlab.io/address"] == first.address
    print(f"killed and started: led again after {time.monotonic() - killed_s:.2f} s")


async def test_a_leader_that_was_frozen_ends_when_it_wakes_up(schedulers: Pair, admin: Client) -> None:
    first, second = schedulers
    await _waits(second)
    first.send(signal.SIGSTOP)
    took_s = await leads(admin, second.address, WITHIN_S)
    print(f"frozen: another led after {took_s:.2f} s")
    first.send(signal.SIGCONT)
    assert await first.ended(WITHIN_S) == 1
    assert (await holder(admin)).metadata.annotations["podlab.io/address"] == second.address


async def test_a_leader_whose_lease_was_given_to_another_ends(schedulers: Pair, admin: Client) -> None:
    first, _ = schedulers
    lease = await holder(admin)
    lease.spec.holderIdentity = "somebody"
    lease.ClearField("metadata")
    lease.metadata.name, lease.metadata.namespace = LEASE, "kube-system"
    await admin.update(lease)
    assert await first.ended(WITHIN_S) == 1


async def test_nobody_takes_a_lease_that_is_deleted_before_its_holder_renews_it(
    schedulers: Pair, admin: Client
) -> None:
    first, second = schedulers
    await _waits(second)
    await admin.delete(Lease, LEASE, "kube-system")
    await leads(admin, first.address, WITHIN_S)


async def _waits(second: SchedulerProcess) -> None:
    """Until it is known to serve, and not to lead."""
    while True:
        if await second.health("") == SERVING:
            break
        await asyncio.sleep(0.02)
    assert await second.health(HEALTH_SERVICE) == NOT_SERVING
