"""All controllers against a real API server, with a stand-in for scheduler and kubelets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from podlab_testing import control_loops
from podlab_testing.cluster import Cluster
from podlab_testing.cluster_view import WAIT_S, ClusterView
from podlab_testing.fake_nodes import FakeNodes
from podlab_testing.observed_client import WRITER, ObservedClient
from podlab_testing.seeing_client import SeeingClient

from master.controllers import main
from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Controller
from master.controllers.garbagecollection.podgc import QUARANTINE_S, PodGcController
from master.controllers.settings import ControllersSettings, SigningSettings
from podlab.client.client import Client

USER = "system:kube-controller-manager"


@pytest.fixture
async def seen(cluster: Cluster) -> AsyncIterator[ClusterView]:
    async with SeeingClient(cluster.server, cluster.authority.tls()) as client:
        made = ClusterView(client)
        task = asyncio.create_task(made.informers.run())
        await made.informers.synced()
        yield made
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def grace_s() -> float:
    """How long nodes may be silent; tests of that set it lower."""
    return 3600.0


@pytest.fixture
def quarantine_s() -> float:
    """How long the pods of a node that is gone stay; tests of that set it lower."""
    return QUARANTINE_S


@pytest.fixture
def load_balancer_pool() -> tuple[str, ...]:
    """Addresses for load balancers; tests of those give some."""
    return ()


@pytest.fixture
async def observed(cluster: Cluster) -> AsyncIterator[ObservedClient]:
    """The controllers' client."""
    async with ObservedClient(cluster.server, cluster.authority.tls(USER)) as client:
        yield client


@pytest.fixture
async def controllers(
    cluster: Cluster, observed: ObservedClient, grace_s: float, quarantine_s: float, load_balancer_pool: tuple[str, ...]
) -> AsyncIterator[ControllersSettings]:
    """All of them, running; what they write is held against what is said of them."""
    settings = ControllersSettings(
        apiserver=cluster.server,
        bind_address="127.0.0.1",
        tls=cluster.authority.tls(USER),
        pod_cidr="10.244.0.0/16",
        node_monitor_grace_s=grace_s,
        signing=SigningSettings(*cluster.authority.signing()),
        load_balancer_pool=load_balancer_pool,
    )
    synced = asyncio.Event()
    task = asyncio.create_task(main.work(settings, observed, synced, _telling_who(quarantine_s)))
    await asyncio.wait_for(synced.wait(), WAIT_S)
    yield settings
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    undeclared = {(loop, field) for loop, field in observed.written if not control_loops.is_declared(loop, field)}
    assert not undeclared, "written, but not declared in tests/podlab_testing/control_loops.py"


def _telling_who(quarantine_s: float) -> main.Make:
    """All controllers, each of which is known as the writer of what it writes."""

    def told(
        settings: ControllersSettings, client: Client, informers: Informers, recorders: main.EventRecorders
    ) -> tuple[Controller, ...]:
        made = main.controllers(settings, client, informers, recorders)
        pod_gc = PodGcController(client, informers, quarantine_s)
        return tuple(Told(pod_gc if one.name == pod_gc.name else one) for one in made)

    return told


class Told:
    """A controller whose tasks know its name."""

    def __init__(self, inner: Controller) -> None:
        self.name = inner.name
        self._inner = inner

    async def run(self) -> None:
        WRITER.set(self.name)
        await self._inner.run()


@pytest.fixture
async def nodes(seen: ClusterView) -> AsyncIterator[FakeNodes]:
    """One node, n1."""
    made = FakeNodes(seen.client, seen.informers)
    task = asyncio.create_task(made.run())
    await made.add("n1")
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
