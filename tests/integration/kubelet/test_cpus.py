"""Pods whose containers have processors for themselves, and those that share the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.cluster import Cluster
from podlab_testing.memory_node import MemoryKubelet, MemoryRuntime, Until
from podlab_testing.waiting import WITHIN_S

from node.kubelet.cpus.exclusive import ExclusiveCpus
from node.kubelet.cpus.topology import Processor
from podlab.client.client import Client
from podlab.core.v1 import event_pb2, pod_pb2

IMAGE = "podlab.local/hello:1.0"


@pytest.fixture
async def kubelet(cluster: Cluster, runtime: MemoryRuntime, root: Path) -> AsyncIterator[MemoryKubelet]:
    """Of a machine of three processors, one of which is reserved."""
    made = MemoryKubelet(await cluster.client("system:node:n1"), runtime, root)
    processors = [Processor(cpu, cpu, 0) for cpu in range(3)]
    made.cpus = ExclusiveCpus(root / "cpu_manager_state", processors, frozenset({0}))
    await made.start()
    yield made
    await made.kill()


async def create(admin: Client, name: str, cpu: str, **spec: object) -> None:
    amounts = {"cpu": cpu, "memory": "64Mi"} if cpu else {}
    container = {"name": name, "image": IMAGE, "resources": {"limits": amounts}}
    made = builtin_kinds.read({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "nodeName": "n1", "containers": [container], "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False, **spec,
        },
    })  # fmt: skip
    assert isinstance(made, pod_pb2.Pod)
    await admin.create(made)


def running(pod: pod_pb2.Pod | None) -> bool:
    return pod is not None and pod.status.phase == "Running"


async def places(runtime: MemoryRuntime, **wanted: str) -> None:
    """Where containers may run, by their names."""
    async with asyncio.timeout(WITHIN_S):
        while (found := {name: runtime.cpusets.get(name, "") for name in wanted}) != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert found == wanted


async def test_a_guaranteed_pod_has_its_processors_for_itself_until_it_ends(
    admin: Client, kubelet: MemoryKubelet, runtime: MemoryRuntime, until: Until
) -> None:
    await create(admin, "shares", "")
    await until("shares", running)
    await places(runtime, shares="0-2")
    await create(admin, "alone", "1")
    await until("alone", running)
    await places(runtime, alone="1", shares="0,2")
    config = next(each for each in runtime.configs if each.metadata.name == "alone")
    assert config.linux.resources.cpu_quota == -1
    await create(admin, "half", "500m")
    await until("half", running)
    await places(runtime, half="0,2")
    await admin.delete(pod_pb2.Pod, "alone", "default")
    await places(runtime, shares="0-2", half="0-2")


async def test_a_pod_for_which_too_few_are_left_is_refused(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    await create(admin, "alone", "1")
    await until("alone", running)
    await create(admin, "other", "1")
    await until("other", running)
    await create(admin, "late", "1")
    late = await until("late", lambda pod: pod is not None and pod.status.phase == "Failed")
    assert late.status.reason == "UnexpectedAdmissionError"
    why = "not enough cpus available to satisfy request: requested=1, available=0"
    assert late.status.message == f"Pod was rejected: Allocate failed due to {why}, which is unexpected"


async def test_who_has_a_processor_for_himself_is_not_given_a_quota_by_a_resize_that_nobody_asked_for(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await create(admin, "alone", "1")
    await until("alone", running)
    await create(admin, "later", "")
    await until("later", running)
    told = await admin.list(event_pb2.Event, "default")
    assert not [each.message for each in told.items if each.reason.startswith("Resize")]
