"""Processors and devices of containers from NUMA nodes near to each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.cluster import Cluster
from podlab_testing.device_plugin import RESOURCE, TestPlugin
from podlab_testing.memory_node import MemoryKubelet, MemoryRuntime, Until

from node.kubelet.cpus.exclusive import ExclusiveCpus
from node.kubelet.cpus.topology import Processor
from node.kubelet.numa.nodes import NumaNode
from node.kubelet.settings import TopologyManagerSettings
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2

IMAGE = "podlab.local/hello:1.0"
GIB = 1 << 30


@pytest.fixture
async def kubelet(cluster: Cluster, runtime: MemoryRuntime, root: Path) -> AsyncIterator[MemoryKubelet]:
    """Of a machine of two NUMA nodes with two processors each; those of the first are reserved."""
    made = MemoryKubelet(await cluster.client("system:node:n1"), runtime, root)
    processors = [Processor(cpu, cpu % 2, cpu // 2) for cpu in range(4)]
    made.cpus = ExclusiveCpus(root / "cpu_manager_state", processors, frozenset({0, 1}))
    made.numa_nodes = (NumaNode(0, frozenset({0, 1}), GIB), NumaNode(1, frozenset({2, 3}), GIB))
    made.topology = TopologyManagerSettings("single-numa-node")
    await made.start()
    yield made
    await made.kill()


@pytest.fixture
async def plugin(kubelet: MemoryKubelet, root: Path) -> AsyncIterator[TestPlugin]:
    """gpu0 and gpu2 are near to the first NUMA node, gpu1 to the second."""
    made = TestPlugin(root / "device-plugins")
    await made.start(gpu0="Healthy", gpu1="Healthy", gpu2="Healthy")
    assert kubelet.runner is not None
    async with asyncio.timeout(10):
        while len(kubelet.runner.devices.offers.healthy(RESOURCE)) != 3:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    yield made
    await made.stop()


async def create(admin: Client, name: str, cpu: str, gpus: int = 0) -> None:
    limits = {"cpu": cpu, "memory": "64Mi", **({RESOURCE: gpus} if gpus else {})}
    made = builtin_kinds.read({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "nodeName": "n1", "containers": [{"name": name, "image": IMAGE, "resources": {"limits": limits}}],
            "terminationGracePeriodSeconds": 1, "automountServiceAccountToken": False,
        },
    })  # fmt: skip
    assert isinstance(made, pod_pb2.Pod)
    await admin.create(made)


def running(pod: pod_pb2.Pod) -> bool:
    return pod.status.phase == "Running"


def failed(pod: pod_pb2.Pod) -> bool:
    return pod.status.phase == "Failed"


async def test_what_a_container_has_comes_from_one_numa_node_or_the_pod_is_refused(
    admin: Client, runtime: MemoryRuntime, until: Until, plugin: TestPlugin
) -> None:
    await create(admin, "a", "1", 1)
    await until("a", running)
    assert (runtime.cpusets["a"], plugin.allocated) == ("2", [["gpu1"]])
    await create(admin, "b", "1", 1)
    refused = await until("b", failed)
    assert (refused.status.reason, refused.status.message) == (
        "TopologyAffinityError", "Pod was rejected: Resources cannot be allocated with Topology locality"
    )  # fmt: skip
    await create(admin, "c", "1")
    await until("c", running)
    assert (runtime.cpusets["c"], len(plugin.allocated)) == ("3", 1)


async def test_who_has_no_processors_or_devices_for_himself_runs_anywhere(
    admin: Client, runtime: MemoryRuntime, until: Until, plugin: TestPlugin
) -> None:
    await create(admin, "a", "100m")
    await until("a", running)
    assert runtime.cpusets["a"] == "0-3"


async def test_what_no_node_has_alone_is_refused_and_nothing_is_kept(
    admin: Client, runtime: MemoryRuntime, until: Until, plugin: TestPlugin
) -> None:
    await create(admin, "wide", "1", 3)
    await until("wide", failed)
    assert plugin.allocated == []
    await create(admin, "two", "2")
    await until("two", running)
    assert runtime.cpusets["two"] == "2-3"
