"""A node that was deleted does not come back by itself, and ends its pods."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.cluster import Cluster
from podlab_testing.memory_node import MemoryKubelet, Until
from podlab_testing.waiting import WITHIN_S
from podlab_testing.waiting import until as looked_until

from node.kubelet.nodestatus.node_lease import NAMESPACE, NodeLease
from node.kubelet.nodestatus.registration import NodeRegistration
from node.kubelet.settings import KubeletSettings
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.coordination.v1 import lease_pb2
from podlab.core.v1 import node_pb2
from podlab.errors import NotFound


class Ready:
    """A pod network that is there."""

    ready, reason = True, ""

    async def wait_ready(self, timeout_s: float) -> None:
        """It is."""


async def exists(
    admin: Client, kind: type[node_pb2.Node] | type[lease_pb2.Lease], name: str, namespace: str = ""
) -> bool:
    try:
        await admin.get(kind, name, namespace)
    except NotFound:
        return False
    return True


@pytest.fixture
def registration(cluster: Cluster, kubelet: MemoryKubelet, tmp_path: Path) -> NodeRegistration:
    settings = KubeletSettings(
        "n1", "127.0.0.1", cluster.server, cluster.authority.tls("system:node:n1"), root_dir=tmp_path
    )
    return NodeRegistration(
        settings,
        kubelet.client,
        EventRecorder(kubelet.client, "kubelet", "n1"),
        kubelet.runtime,
        Ready(),
        frozenset,
        dict,
    )


async def test_it_stays_away_and_ends_its_pods(
    admin: Client, kubelet: MemoryKubelet, until: Until, registration: NodeRegistration
) -> None:
    heartbeat = NodeLease(kubelet.client, "n1", 1)
    loops = [asyncio.create_task(loop) for loop in (registration.run(), heartbeat.run())]
    try:
        async with asyncio.timeout(WITHIN_S):
            while not await exists(admin, lease_pb2.Lease, "n1", NAMESPACE):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        pod = {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "default"},
            "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": "podlab.local/hello:1.0"}]},
        }  # fmt: skip
        await admin.create(builtin_kinds.read(pod))
        await until("a", lambda seen: seen is not None and seen.status.phase == "Running")
        await admin.delete(node_pb2.Node, "n1")
        await admin.delete(lease_pb2.Lease, "n1", NAMESPACE)
        async with asyncio.timeout(WITHIN_S):
            await registration.removed.wait()
        assert kubelet.runner is not None
        kubelet.runner.node_removed()
        await kubelet.runtime.until(lambda: not kubelet.runtime.alive())
        await looked_until(lambda: not any((kubelet.root / "pods").iterdir()), "nothing of the pods on the disk")
        assert not await exists(admin, node_pb2.Node, "n1")
        assert not await exists(admin, lease_pb2.Lease, "n1", NAMESPACE)
    finally:
        for loop in loops:
            loop.cancel()
        for loop in loops:
            with contextlib.suppress(asyncio.CancelledError):
                await loop
