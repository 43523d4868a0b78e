"""A node that runs short: pods that it ends, pods that it does not take, and what it keeps of those that have ended."""

from __future__ import annotations

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.memory_node import MemoryKubelet, MemoryRuntime, Until

from node.kubelet.pod.pod_outcome import PodOutcome
from podlab.api.objects import condition
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2

LOW = "The node was low on resource: memory. "


async def _create(admin: Client, name: str, **spec: object) -> None:
    container = {"name": "web", "image": "podlab.local/hello:1.0"}
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": "n1", "containers": [container], "restartPolicy": "Never", **spec},
    }  # fmt: skip
    await admin.create(builtin_kinds.read(pod))


def _runs(seen: pod_pb2.Pod) -> bool:
    return seen.status.phase == "Running"


async def _evict(admin: Client, kubelet: MemoryKubelet, name: str) -> None:
    uid = (await admin.get(pod_pb2.Pod, name, "default")).metadata.uid
    assert kubelet.runner is not None
    assert uid in {pod.metadata.uid for pod in kubelet.runner.workers.evictable()}
    kubelet.runner.workers.end(uid, PodOutcome("Failed", "Evicted", LOW, disrupts=True), 1)
    assert uid not in {pod.metadata.uid for pod in kubelet.runner.workers.evictable()}, "nobody is evicted twice"


async def test_an_evicted_pod_says_why_and_stays_and_its_volumes_go(
    admin: Client, kubelet: MemoryKubelet, runtime: MemoryRuntime, until: Until
) -> None:
    await _create(admin, "a", volumes=[{"name": "data", "emptyDir": {}}])
    running = await until("a", _runs)
    volume = kubelet.root / "pods" / running.metadata.uid / "volumes/data"
    (volume / "full").write_bytes(b"much")
    await _evict(admin, kubelet, "a")
    ended = await until("a", lambda seen: seen.status.phase == "Failed")
    assert (ended.status.reason, ended.status.message) == ("Evicted", LOW)
    told = condition(ended.status.conditions, "DisruptionTarget")
    assert told is not None
    assert (told.status, told.reason, told.message) == ("True", "TerminationByKubelet", LOW)
    assert ended.status.containerStatuses[0].state.terminated.exitCode == 143
    await runtime.until(lambda: not volume.exists())
    assert (await admin.get(pod_pb2.Pod, "a", "default")).metadata.uid == running.metadata.uid


async def test_a_pod_that_was_just_started_has_ended_only_once_its_containers_have(
    admin: Client, kubelet: MemoryKubelet, runtime: MemoryRuntime, until: Until
) -> None:
    await _create(admin, "a")
    uid = (await until("a", _runs)).metadata.uid
    assert kubelet.runner is not None
    workers = kubelet.runner.workers
    workers.end(uid, PodOutcome("Failed", "Terminated", "This host shuts down."), 10)
    assert not workers.has_ended(uid)
    await runtime.until(lambda: workers.has_ended(uid))
    assert not [run for run in runtime.runs("web") if run.alive]


async def test_what_is_kept_of_ended_pods_goes_when_the_disk_is_short_and_their_status_stays(
    admin: Client, kubelet: MemoryKubelet, runtime: MemoryRuntime, until: Until
) -> None:
    await _create(admin, "a")
    await until("a", _runs)
    runtime.end("web", 3)
    ended = await until("a", lambda seen: seen.status.phase == "Failed")
    assert runtime.runs("web")
    assert kubelet.runner is not None
    await kubelet.runner.workers.remove_ended()
    await runtime.until(lambda: not runtime.runs("web"))
    assert (await admin.get(pod_pb2.Pod, "a", "default")).status.containerStatuses == ended.status.containerStatuses


@pytest.mark.parametrize(("priority", "taken"), [(0, False), (2_000_001_000, True)])
async def test_a_node_under_pressure_takes_only_critical_pods(
    admin: Client, kubelet: MemoryKubelet, until: Until, priority: int, taken: bool
) -> None:
    kubelet.pressures = frozenset({"DiskPressure"})
    named = {"priorityClassName": "system-node-critical"} if priority else {}
    await _create(admin, "a", **named)
    seen = await until("a", lambda pod: pod.status.phase in ("Running", "Failed"))
    assert _runs(seen) == taken
    if not taken:
        assert seen.status.reason == "Evicted"
        assert seen.status.message == "Pod was rejected: The node had condition: [DiskPressure]. "
