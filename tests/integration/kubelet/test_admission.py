"""Pods that are bound to a node that has no place for them, through the API server."""

from __future__ import annotations

import asyncio

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.kubelet_pods import Json
from podlab_testing.memory_node import MemoryKubelet, Until
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.core.v1 import event_pb2, node_pb2, pod_pb2

IMAGE = "podlab.local/hello:1.0"
PORT = {"ports": [{"containerPort": 80, "hostPort": 8080}]}


async def _node(admin: Client, **spec: object) -> node_pb2.Node:
    data = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": spec}
    made = builtin_kinds.read(data)
    assert isinstance(made, node_pb2.Node)
    return await admin.create(made)


async def _bound(admin: Client, name: str, *, container: Json | None = None, **spec: object) -> pod_pb2.Pod:
    made = builtin_kinds.read({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": IMAGE, **(container or {})}], **spec},
    })  # fmt: skip
    assert isinstance(made, pod_pb2.Pod)
    return await admin.create(made)


def _running(pod: pod_pb2.Pod | None) -> bool:
    return pod is not None and pod.status.phase == "Running"


def _failed(pod: pod_pb2.Pod | None) -> bool:
    return pod is not None and pod.status.phase == "Failed"


async def _told(admin: Client, pod: pod_pb2.Pod, reason: str) -> str:
    """What the event says."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            for each in (await admin.list(event_pb2.Event, "default")).items:
                if each.involvedObject.uid == pod.metadata.uid and each.reason == reason:
                    assert each.type == "Warning"
                    return str(each.message)
            await asyncio.sleep(0.05)


def _asks(**requests: str) -> Json:
    return {"resources": {"requests": requests}}


NO_PLACE: list[tuple[Json, Json, str, str]] = [
    (PORT, {}, "NodePorts",
     "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"),
    ({}, {"nodeSelector": {"disk": "ssd"}}, "NodeAffinity",
     "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"),
    (_asks(cpu="100"), {}, "OutOfcpu",
     "Node didn't have enough resource: cpu, requested: 100000, used: 0, capacity: 2000"),
    (_asks(memory="100Gi"), {}, "OutOfmemory",
     "Node didn't have enough resource: memory, requested: 107374182400, used: 0, capacity: 4294967296"),
    ({}, {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "10000000000"}]}}, "SysctlForbidden",
     'forbidden sysctl: "kernel.msgmax" not allowlisted'),
    ({"resources": {"limits": {"hugepages-2Mi": "4Mi", "cpu": "1m"}}}, {}, "OutOfhugepages-2Mi",
     "Node didn't have enough resource: hugepages-2Mi, requested: 4194304, used: 0, capacity: 0"),
    ({}, {"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}, "AppArmor",
     "Cannot enforce AppArmor: AppArmor is not enabled on the host"),
    ({}, {"securityContext": {"supplementalGroupsPolicy": "Strict"}}, "SupplementalGroupsPolicyNotSupported",
     "SupplementalGroupsPolicy=Strict is not supported in this node"),
]  # fmt: skip


@pytest.mark.parametrize(("container", "spec", "reason", "message"), NO_PLACE, ids=[case[2] for case in NO_PLACE])
async def test_a_pod_without_a_place_fails_and_what_runs_goes_on(
    admin: Client, kubelet: MemoryKubelet, until: Until, container: Json, spec: Json, reason: str, message: str
) -> None:
    await _bound(admin, "first", container=PORT)
    first = await until("first", _running)
    refused = await _bound(admin, "second", container=container, **spec)
    seen = (await until("second", _failed)).status
    assert (seen.reason, seen.message) == (reason, f"Pod was rejected: {message}")
    assert not seen.containerStatuses, "or kubectl would say ContainerCreating"
    assert seen.HasField("startTime")
    assert await _told(admin, refused, reason) == message
    await kubelet.kill()
    await kubelet.start()
    await _bound(admin, "third")
    await until("third", _running)
    now = await until("first", _running)
    assert now.status.containerStatuses[0].containerID == first.status.containerStatuses[0].containerID
    assert (await until("second", _failed)).status == seen
    await admin.delete(pod_pb2.Pod, "second", "default")
    await until("second", lambda pod: pod is None)


async def test_a_place_is_free_once_its_pod_has_ended(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    await _bound(admin, "first", container=PORT, restartPolicy="Never")
    await until("first", _running)
    kubelet.runtime.end("web", 0)
    await until("first", lambda pod: pod is not None and pod.status.phase == "Succeeded")
    await _bound(admin, "second", container=PORT)
    await until("second", _running)
    await admin.delete(pod_pb2.Pod, "second", "default", grace_period_s=1)
    await until("second", lambda pod: pod is None)
    await _bound(admin, "third", container=PORT)
    await until("third", _running)


async def test_the_node_is_looked_at_anew_before_a_pod_is_refused(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    """The scheduler may know of a label, a taint or a resource before the kubelet does."""
    node = await _node(admin, taints=[{"key": "down", "effect": "NoExecute"}])
    await _bound(admin, "kept-out")
    assert (await until("kept-out", _failed)).status.reason == "TaintToleration"
    await _bound(admin, "tolerates", tolerations=[{"key": "down", "operator": "Exists"}])
    await until("tolerates", _running)
    node = await admin.get(node_pb2.Node, "n1")
    node.ClearField("spec")
    node.metadata.labels["disk"] = "ssd"
    await admin.update(node)
    await _bound(admin, "selects", nodeSelector={"disk": "ssd"})
    await until("selects", _running)


async def test_a_critical_pod_finds_room(admin: Client, kubelet: MemoryKubelet, until: Until) -> None:
    small = await _bound(admin, "small", container=_asks(cpu="300m"))
    await _bound(admin, "large", container=_asks(cpu="1500m"))
    for name in ("small", "large"):
        await until(name, _running)
    await _bound(admin, "critical", container=_asks(cpu="400m"), priorityClassName="system-node-critical")
    await until("critical", _running)
    seen = (await until("small", _failed)).status
    assert (seen.reason, seen.message) == ("Preempting", "Preempted in order to admit critical pod")
    assert await _told(admin, small, "Preempting") == "Preempted in order to admit critical pod"
    await until("large", _running)
    await _bound(admin, "huge", container=_asks(cpu="100"), priorityClassName="system-node-critical")
    seen = (await until("huge", _failed)).status
    assert seen.reason == "UnexpectedAdmissionError"
    assert "no set of running pods found to reclaim resources: [(res: cpu, q: " in seen.message
    await until("large", _running)
