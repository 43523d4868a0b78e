"""Nodes that fall silent, come back, fill up and go away."""

from __future__ import annotations

import time
from typing import Any

import pytest
from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes
from podlab_testing.observed_client import ObservedClient

from master.controllers.settings import ControllersSettings
from podlab.api.objects import condition
from podlab.core.v1 import node_pb2, pod_pb2

GRACE_S = 1.5


@pytest.fixture
def grace_s() -> float:
    return GRACE_S


def pod(name: str = "web", *, seconds: int = 300) -> pod_pb2.Pod:
    made = pod_pb2.Pod()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.spec.containers.add(name="main", image="hello:1.0")
    for key in ("not-ready", "unreachable"):
        made.spec.tolerations.add(
            key=f"node.kubernetes.io/{key}", operator="Exists", effect="NoExecute", tolerationSeconds=seconds
        )
    return made


def ready(seen: ClusterView, name: str) -> Any:
    return condition(seen.informers.nodes.get(name).status.conditions, "Ready")


def taints(seen: ClusterView, name: str) -> set[str]:
    return {f"{one.key}:{one.effect}" for one in seen.informers.nodes.get(name).spec.taints}


async def test_each_node_gets_a_network_of_its_own_for_pods(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    for name in ("n2", "n3"):
        await nodes.add(name)

    def networks() -> set[str]:
        return {node.spec.podCIDR for node in seen.informers.nodes.list()}

    await seen.until(lambda: len(networks() - {""}) == 3, "three networks")
    assert networks() == {"10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"}
    second = seen.informers.nodes.get("n2").spec.podCIDR
    await seen.client.delete(node_pb2.Node, "n2")
    await nodes.add("n4")
    await seen.until(lambda: "n4" in {node.metadata.name for node in seen.informers.nodes.list()}, "n4")
    await seen.until(lambda: seen.informers.nodes.get("n4").spec.podCIDR == second, "the released network")
    assert list(seen.informers.nodes.get("n4").spec.podCIDRs) == [second]


async def test_a_silent_node_is_unknown_and_its_pods_are_not_ready(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(pod())
    await seen.until(lambda: [one.status.phase for one in seen.pods()] == ["Running"], "a running pod")
    nodes.gone.add("n1")
    await seen.until(lambda: ready(seen, "n1").status == "Unknown", "the node's Ready condition to be unknown")
    assert ready(seen, "n1").reason == "NodeStatusUnknown"
    assert ready(seen, "n1").message == "Kubelet stopped posting node status."

    def pod_ready() -> str:
        return str(condition(seen.pods()[0].status.conditions, "Ready").status)

    await seen.until(lambda: pod_ready() == "False", "the pod not to be ready")
    # It is the only node: nothing is gained by evicting.
    expected = {"node.kubernetes.io/unreachable:NoSchedule"}
    await seen.until(lambda: taints(seen, "n1") == expected, "the taint that keeps pods away, and none that evicts")
    await nodes.come_back("n1")
    await seen.until(lambda: not taints(seen, "n1"), "the taint to go")


async def test_pods_leave_a_silent_node_when_their_toleration_ends(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(pod("short", seconds=0))
    await seen.client.create(pod("long"))
    await seen.until(lambda: [one.status.phase for one in seen.pods()] == ["Running"] * 2, "running pods")
    await nodes.add("n2")
    nodes.gone.add("n1")
    await seen.until(lambda: ready(seen, "n1").status == "Unknown", "n1 to be unknown")
    await seen.until(lambda: "node.kubernetes.io/unreachable:NoExecute" in taints(seen, "n1"), "the taint that evicts")
    await seen.until(lambda: [one.metadata.name for one in seen.pods()] == ["long"], "one pod to be evicted")
    # Nobody can say that it has stopped.
    assert seen.informers.pods.get("short", "default") is not None
    disrupted = condition(seen.informers.pods.get("short", "default").status.conditions, "DisruptionTarget")
    assert disrupted.reason == "DeletionByTaintManager"
    await seen.until_told({("Pod", "TaintManagerEviction", "Marking for deletion Pod default/short")})
    await nodes.come_back("n1")
    await seen.until(lambda: not taints(seen, "n1"), "no taint")
    await seen.until(lambda: seen.informers.pods.get("short", "default") is None, "the pod's end")
    assert [one.metadata.name for one in seen.pods()] == ["long"]


async def test_a_cordoned_node_is_tainted_until_it_is_not(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    async def cordon(value: bool) -> None:
        node = await seen.client.get(node_pb2.Node, "n1")
        node.metadata.resourceVersion = ""
        node.spec.unschedulable = value
        await seen.client.update(node)

    await seen.until(lambda: seen.informers.nodes.get("n1").spec.podCIDR, "the node's network")
    tainted = "node.kubernetes.io/unschedulable:NoSchedule"
    await cordon(True)
    await seen.until(lambda: tainted in taints(seen, "n1"), "the taint")
    await cordon(False)
    await seen.until(lambda: tainted not in taints(seen, "n1"), "no taint")


@pytest.mark.parametrize("quarantine_s", [0.05])
async def test_pods_of_a_deleted_node_are_removed(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(pod())
    await seen.until(lambda: [one.status.phase for one in seen.pods()] == ["Running"], "a running pod")
    nodes.gone.add("n1")
    await seen.client.delete(node_pb2.Node, "n1")
    await seen.until(lambda: not seen.informers.pods.list("default"), "no pod")


async def test_a_deleted_pod_that_never_had_a_node_ends_for_those_that_wait_for_its_end(
    seen: ClusterView, controllers: ControllersSettings
) -> None:
    held = pod()
    held.metadata.finalizers.append("example.com/counted")
    await seen.client.create(held)
    await seen.client.delete(pod_pb2.Pod, "web", "default")
    await seen.until(
        lambda: [one.status.phase for one in seen.informers.pods.list("default")] == ["Failed"], "it ended"
    )


async def test_nodes_of_a_zone_are_evicted_from_one_after_the_other(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    for name in ("n2", "n3", "n4"):
        await nodes.add(name)
    nodes.gone.update({"n3", "n4"})
    unreachable = "node.kubernetes.io/unreachable"
    await seen.until(
        lambda: all(f"{unreachable}:NoSchedule" in taints(seen, name) for name in ("n3", "n4")), "no new pods for both"
    )
    await seen.until(lambda: any(f"{unreachable}:NoExecute" in taints(seen, name) for name in ("n3", "n4")), "one")
    assert not all(f"{unreachable}:NoExecute" in taints(seen, name) for name in ("n3", "n4")), "the other later"


async def test_controllers_that_were_stopped_blame_no_node(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    """For longer than the grace period nothing turns, and then everything at once."""
    await nodes.add("n2")
    await seen.until(lambda: not (taints(seen, "n1") | taints(seen, "n2")), "nodes that have been judged")
    await seen.client.create(pod("web", seconds=0))
    await seen.until(lambda: [one.status.phase for one in seen.pods()] == ["Running"], "a running pod")
    found: set[str] = set()

    def look(change: Any) -> None:
        if change.new is not None and change.key.name in ("n1", "n2"):
            found.add(condition(change.new.status.conditions, "Ready").status)
            found.update(taint.key for taint in change.new.spec.taints)

    seen.informers.nodes.on_change(look)
    for name in ("n3", "n4"):
        time.sleep(2 * GRACE_S)  # noqa: ASYNC251 - as SIGSTOP does
        await nodes.add(name)
        await seen.until(lambda name=name: not taints(seen, name), "a new node to be judged")
    assert found <= {"True"}
    nodes.gone.add("n2")
    await seen.until(lambda: ready(seen, "n2").status == "Unknown", "the node that is silent to be found all the same")
    assert ready(seen, "n1").status == "True"
    assert [one.metadata.name for one in seen.pods()] == ["web"]


async def test_a_kubelet_that_lives_is_not_contradicted_for_ever(
    seen: ClusterView, nodes: FakeNodes, observed: ObservedClient, controllers: ControllersSettings
) -> None:
    await seen.client.create(pod())
    await seen.until(lambda: [one.status.phase for one in seen.pods()] == ["Running"], "a running pod")
    nodes.gone.add("n1")

    def pod_ready() -> str:
        return str(condition(seen.pods()[0].status.conditions, "Ready").status)

    await seen.until(lambda: pod_ready() == "False", "the pod not to be ready")
    observed.status_writes.clear()
    told = pod_pb2.Pod()
    told.CopyFrom(seen.pods()[0])
    condition(told.status.conditions, "Ready").status = "True"  # as a kubelet says whose host shuts down
    await seen.client.update_status(told)
    await seen.until(lambda: pod_ready() == "True", "what the kubelet says")
    await nodes.add("n2")  # the loop has had its turns
    await seen.until(lambda: seen.informers.nodes.get("n2").spec.podCIDR, "the network of another node")
    assert pod_ready() == "True"
    assert not [each for each in observed.status_writes if each.kind == "Pod"]


async def test_each_pod_of_a_silent_node_is_marked_once(
    seen: ClusterView, nodes: FakeNodes, observed: ObservedClient, controllers: ControllersSettings
) -> None:
    for number in range(8):
        await seen.client.create(pod(f"web-{number}"))
    await seen.until(lambda: [one.status.phase for one in seen.pods()] == ["Running"] * 8, "running pods")
    observed.status_writes.clear()
    nodes.gone.add("n1")

    def marked() -> int:
        return sum(condition(one.status.conditions, "Ready").status == "False" for one in seen.pods())

    await seen.until(lambda: marked() == 8, "all pods not to be ready")
    await nodes.add("n2")  # the loop has had its turns
    await seen.until(lambda: seen.informers.nodes.get("n2").spec.podCIDR, "the network of another node")
    marked_pods = sorted(each.name for each in observed.status_writes if each.kind == "Pod")
    assert marked_pods == [f"web-{number}" for number in range(8)]
