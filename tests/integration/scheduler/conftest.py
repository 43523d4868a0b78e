"""A real scheduler beside the real API server, and what the tests ask of both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.scheduling_cluster import AddNode, Explain, RunningScheduler, SchedulerPods, add_node_to
from podlab_testing.waiting import WITHIN_S

from master.scheduler.settings import SchedulerSettings
from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.errors import from_rpc_error
from podlab.v1 import scheduler_pb2, scheduler_pb2_grpc


@pytest.fixture
def policy() -> Path | None:
    """The scheduler's configuration; tests that need one say theirs."""
    return None


@pytest.fixture
async def scheduler(cluster: Cluster, policy: Path | None) -> AsyncIterator[RunningScheduler]:
    """Runs where the API server looks for it."""
    host, port = cluster.settings.scheduler.rsplit(":", 1)
    tls = cluster.authority.tls("system:kube-scheduler")
    # One process is scheduler, API server and test: a Lease of a few seconds may run out for want of a turn.
    made = RunningScheduler(
        SchedulerSettings(
            apiserver=cluster.server,
            bind_address=host,
            port=int(port),
            tls=tls,
            configuration=policy,
            lease_duration_s=2 * round(WITHIN_S),
        )
    )
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
def pods(admin: Client) -> SchedulerPods:
    return SchedulerPods(admin)


@pytest.fixture
def add_node(admin: Client) -> AddNode:
    """Creates a node that has room; its kubelet is not there."""

    async def add(name: str, *args: Any, **settings: Any) -> Node:
        return await add_node_to(admin, name, *args, **settings)

    return add


@pytest.fixture
def explain(admin: Client) -> Explain:
    """Asks the API server why a pod is where it is."""

    async def ask(name: str, *, now: bool = False, client: Client = admin) -> scheduler_pb2.Explanation:
        stub: Any = scheduler_pb2_grpc.SchedulerStub(client.channel)
        request = scheduler_pb2.ExplainRequest(namespace="default", name=name, now=now)
        try:
            answer: scheduler_pb2.ExplainResponse = await stub.Explain(request, timeout=WITHIN_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return answer.explanation

    return ask
