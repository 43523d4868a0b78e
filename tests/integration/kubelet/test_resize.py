"""Pods that get other resources while they run, through the API server."""

from __future__ import annotations

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.kubelet_pods import Json
from podlab_testing.memory_node import MemoryKubelet, Until
from podlab_testing.told_events import told

from node.kubelet.cri.runtime import ContainerResources
from node.kubelet.worker import pod_resize
from podlab.api.objects import condition
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2, quota_pb2
from podlab.errors import Forbidden

IMAGE = "podlab.local/hello:1.0"
MIB = 1 << 20


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_resize, "RETRY_S", 0.2)


async def _made(admin: Client, name: str, *containers: Json, **spec: object) -> pod_pb2.Pod:
    named = [{"name": f"{name}{number}", "image": IMAGE, **one} for number, one in enumerate(containers)]
    made = builtin_kinds.read({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": "n1", "containers": named, **spec},
    })  # fmt: skip
    assert isinstance(made, pod_pb2.Pod)
    return await admin.create(made)


def _asking(cpu: str, memory: str = "64Mi", /, **limits: str) -> Json:
    return {"resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": limits}}


async def _resize(admin: Client, pod: str, *containers: Json) -> pod_pb2.Pod:
    named = [{"name": f"{pod}{number}", **one} for number, one in enumerate(containers)]
    return await admin.patch(pod_pb2.Pod, pod, "default", patch={"spec": {"containers": named}}, subresource="resize")


def _running(pod: pod_pb2.Pod) -> bool:
    return pod.status.phase == "Running"


def _cpu(pod: pod_pb2.Pod) -> list[str]:
    return [each.resources.requests["cpu"].string for each in pod.status.containerStatuses]


def _settled(pod: pod_pb2.Pod) -> bool:
    return not _condition(pod, "Pending") and not _condition(pod, "InProgress")


def _condition(pod: pod_pb2.Pod, name: str) -> pod_pb2.PodCondition | None:
    return condition(pod.status.conditions, f"PodResize{name}")


def _has(kubelet: MemoryKubelet, name: str) -> ContainerResources | None:
    return next(run.resources for run in kubelet.runtime.runs(name) if run.alive)


async def test_running_containers_get_what_is_asked_for(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    await _made(admin, "a", _asking("100m"), _asking("200m", cpu="400m", memory="128Mi"))
    pod = await until("a", _running)
    assert pod.status.containerStatuses[0].allocatedResources["cpu"].string == "100m"
    assert _cpu(pod) == ["100m", "200m"]
    resized = await _resize(admin, "a", _asking("150m", cpu="300m"), _asking("100m", cpu="200m", memory="256Mi"))
    assert resized.metadata.generation == 2
    pod = await until("a", lambda pod: _cpu(pod) == ["150m", "100m"] and _settled(pod))
    assert pod.status.observedGeneration == 2
    assert [each.restartCount for each in pod.status.containerStatuses] == [0, 0]
    assert _has(kubelet, "a0") == ContainerResources(153, 30_000, 0)
    assert _has(kubelet, "a1") == ContainerResources(102, 20_000, 256 * MIB)
    assert '"containers":[{"name":"a0","resources":{"limits":{"cpu":"300m"},' in await told(admin, "ResizeStarted")
    assert (await told(admin, "ResizeCompleted")).startswith("Pod resize completed: {")


async def test_a_container_whose_policy_says_so_starts_anew(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    policy = {"resizePolicy": [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]}
    kubelet.runtime.stops_with = 0  # it ends well, and starts again all the same
    await _made(admin, "a", {**_asking("100m"), **policy}, _asking("100m"), restartPolicy="OnFailure")
    await until("a", _running)
    await _resize(admin, "a", _asking("150m"), _asking("150m", "96Mi"))
    pod = await until("a", lambda pod: _cpu(pod) == ["150m", "150m"] and _settled(pod))
    assert [each.restartCount for each in pod.status.containerStatuses] == [0, 0]
    await _resize(admin, "a", _asking("150m", "96Mi"), _asking("150m", "96Mi"))
    pod = await until("a", lambda pod: pod.status.containerStatuses[0].restartCount == 1 and _settled(pod))
    assert pod.status.containerStatuses[1].restartCount == 0
    assert pod.status.containerStatuses[0].resources.requests["memory"].string == "96Mi"


async def test_what_the_node_can_never_give_is_infeasible(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    await _made(admin, "a", _asking("100m"))
    await until("a", _running)
    await _resize(admin, "a", _asking("3"))
    pod = await until("a", lambda pod: _condition(pod, "Pending"))
    why = _condition(pod, "Pending")
    assert why is not None
    assert (why.reason, why.observedGeneration) == ("Infeasible", 2)
    assert why.message == "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000"
    assert _cpu(pod) == ["100m"]
    await _resize(admin, "a", _asking("100m"))
    await until("a", _settled)


async def test_a_resize_waits_for_others_to_make_room(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    await _made(admin, "a", _asking("1"))
    await _made(admin, "b", _asking("800m"))
    await until("a", _running)
    await until("b", _running)
    await _resize(admin, "a", _asking("1500m"))
    pod = await until("a", lambda pod: _condition(pod, "Pending"))
    why = _condition(pod, "Pending")
    assert why is not None
    assert why.reason == "Deferred"
    assert why.message == "Node didn't have enough resource: cpu, requested: 1500, used: 800, capacity: 2000"
    assert _has(kubelet, "a0") == ContainerResources(1024, 0, 0)
    await _resize(admin, "b", _asking("300m"))
    pod = await until("a", lambda pod: _cpu(pod) == ["1500m"] and _settled(pod))
    assert _has(kubelet, "a0") == ContainerResources(1536, 0, 0)


async def test_memory_is_not_taken_from_who_uses_it(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    await _made(admin, "a", {"resources": {"limits": {"memory": "128Mi"}}})
    await until("a", _running)
    kubelet.runtime.used["a0"] = 100 * MIB
    await _resize(admin, "a", {"resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "64Mi"}}})
    pod = await until("a", lambda pod: (why := _condition(pod, "InProgress")) is not None and why.reason == "Error")
    why = _condition(pod, "InProgress")
    assert why is not None
    assert f"memory limit ({64 * MIB}) below current usage ({100 * MIB})" in why.message
    assert pod.status.containerStatuses[0].resources.limits["memory"].string == "128Mi"
    assert pod.status.containerStatuses[0].allocatedResources["memory"].string == "64Mi"
    kubelet.runtime.used["a0"] = 10 * MIB
    await until("a", _settled)
    assert _has(kubelet, "a0") == ContainerResources(2, 0, 64 * MIB)


async def test_a_kubelet_that_starts_anew_knows_what_it_has_set_aside(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    await _made(admin, "a", _asking("1"))
    await _made(admin, "b", _asking("800m"))
    await until("a", _running)
    await until("b", _running)
    await kubelet.kill()
    await _resize(admin, "a", _asking("1500m"))
    await kubelet.start()
    pod = await until("a", lambda pod: _condition(pod, "Pending"))
    assert _cpu(pod) == ["1"]
    assert _has(kubelet, "a0") == ContainerResources(1024, 0, 0)
    assert [each.restartCount for each in pod.status.containerStatuses] == [0]


async def test_limit_ranges_and_quotas_hold_for_a_resize(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    bounds = {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}
    for kind, spec in (("LimitRange", bounds), ("ResourceQuota", {"hard": {"requests.cpu": "500m"}})):
        made = builtin_kinds.read(
            {"apiVersion": "v1", "kind": kind, "metadata": {"name": "q", "namespace": "default"}, "spec": spec}
        )
        await admin.create(made)
    await _made(admin, "a", _asking("100m", cpu="500m"))
    await until("a", _running)
    with pytest.raises(Forbidden, match=r"exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=100m"):
        await _resize(admin, "a", _asking("600m", cpu="700m"))
    with pytest.raises(Forbidden, match="maximum cpu usage per Container is 1, but limit is 2"):
        await _resize(admin, "a", _asking("100m", cpu="2"))
    await _resize(admin, "a", _asking("400m", cpu="500m"))
    quota = await admin.get(quota_pb2.ResourceQuota, "q", "default")
    assert quota.status.used["requests.cpu"].string == "400m"


async def test_a_pod_as_a_whole_gets_what_is_asked_for_and_keeps_what_it_uses(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    def told(pod: pod_pb2.Pod) -> str:
        return pod.status.resources.limits["memory"].string if pod.status.HasField("resources") else ""

    await _made(admin, "a", {}, resources={"limits": {"cpu": "1", "memory": "64Mi"}})
    pod = await until("a", _running)
    assert (told(pod), pod.status.allocatedResources["cpu"].string) == ("64Mi", "1")
    assert _has(kubelet, "a0") == ContainerResources(2, 100_000, 64 * MIB)
    for memory in ("128Mi", "96Mi"):
        asked = {"requests": {"cpu": "1", "memory": memory}, "limits": {"cpu": "1", "memory": memory}}
        await admin.patch(pod_pb2.Pod, "a", "default", patch={"spec": {"resources": asked}}, subresource="resize")
        pod = await until("a", lambda pod, memory=memory: told(pod) == memory and _settled(pod))  # type: ignore[misc]
        assert pod.status.allocatedResources["memory"].string == memory
    assert _has(kubelet, "a0") == ContainerResources(2, 100_000, 96 * MIB)
    assert pod.status.containerStatuses[0].restartCount == 0
