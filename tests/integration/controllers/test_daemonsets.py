"""DaemonSets: a pod on each node that they choose."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.settings import ControllersSettings
from master.controllers.workloads.daemonset.placement import node_of
from podlab.apps.v1 import daemonset_pb2
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import Conflict
from podlab.meta.v1.meta_pb2 import IntOrString

HASH = "controller-revision-hash"


def daemon_set(image: str = "agent:1.0") -> daemonset_pb2.DaemonSet:
    made = daemonset_pb2.DaemonSet()
    made.metadata.name, made.metadata.namespace = "agent", "default"
    made.spec.selector.matchLabels["app"] = "agent"
    made.spec.template.metadata.labels["app"] = "agent"
    made.spec.template.spec.containers.add(name="main", image=image)
    return made


@pytest.fixture
async def three_nodes(nodes: FakeNodes) -> Any:
    for name in ("n2", "n3"):
        await nodes.add(name)
    return nodes


def status(seen: ClusterView) -> daemonset_pb2.DaemonSetStatus:
    found = seen.informers.daemon_sets.get("agent", "default") or daemonset_pb2.DaemonSet()
    if found.status.observedGeneration != found.metadata.generation:
        return daemonset_pb2.DaemonSetStatus()
    told: daemonset_pb2.DaemonSetStatus = found.status
    return told


def is_done(seen: ClusterView, count: int) -> bool:
    told = status(seen)
    return bool(
        told.desiredNumberScheduled == told.numberAvailable == told.updatedNumberScheduled == count
        and len(seen.pods()) == count
    )


async def change(seen: ClusterView, image: str, *, surge: int = 0) -> None:
    found = await seen.client.get(daemonset_pb2.DaemonSet, "agent", "default")
    found.spec.template.spec.containers[0].image = image
    if surge:
        found.spec.updateStrategy.rollingUpdate.maxSurge.CopyFrom(IntOrString(intVal=surge))
        found.spec.updateStrategy.rollingUpdate.maxUnavailable.CopyFrom(IntOrString(intVal=0))
    found.metadata.resourceVersion = ""
    await seen.client.update(found)
    informer = seen.informers.daemon_sets
    await seen.until(
        lambda: informer.get("agent", "default").metadata.generation > found.metadata.generation, "the update"
    )


async def label(seen: ClusterView, name: str, value: str) -> None:
    while True:
        node = await seen.client.get(node_pb2.Node, name)
        node.metadata.labels["disk"] = value
        with suppress(Conflict):  # the controllers write it too: its network, its taints
            await seen.client.update(node)
            return


async def test_every_node_has_a_pod_that_the_scheduler_can_only_put_there(
    seen: ClusterView, three_nodes: Any, controllers: ControllersSettings
) -> None:
    await seen.client.create(daemon_set())
    await seen.until(lambda: is_done(seen, 3), "three pods")
    pods = seen.pods()
    wanted = [
        pod.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[
            0
        ]
        for pod in pods
    ]
    assert {one.key for one in wanted} == {"metadata.name"}
    assert sorted(value for one in wanted for value in one.values) == ["n1", "n2", "n3"]
    keys = {toleration.key for toleration in pods[0].spec.tolerations}
    assert {"node.kubernetes.io/unschedulable", "node.kubernetes.io/not-ready"} <= keys
    (revision,) = seen.informers.revisions.list("default")
    assert {pod.metadata.labels[HASH] for pod in pods} == {revision.metadata.labels[HASH]}


async def test_pods_follow_the_labels_of_nodes_and_nodes_that_come(
    seen: ClusterView, three_nodes: Any, controllers: ControllersSettings
) -> None:
    made = daemon_set()
    made.spec.template.spec.nodeSelector["disk"] = "ssd"
    await seen.client.create(made)
    await seen.until(lambda: status(seen).observedGeneration == 1, "the first look")
    assert not seen.pods()
    await label(seen, "n2", "ssd")
    await seen.until(lambda: is_done(seen, 1), "one pod")
    assert node_of(seen.pods()[0]) == "n2"
    await label(seen, "n3", "ssd")
    await label(seen, "n2", "hdd")
    await seen.until(lambda: is_done(seen, 1) and node_of(seen.pods()[0]) == "n3", "the other node")


async def test_a_new_template_replaces_pods_node_by_node_and_an_old_one_comes_back(
    seen: ClusterView, three_nodes: Any, controllers: ControllersSettings
) -> None:
    await seen.client.create(daemon_set())
    await seen.until(lambda: is_done(seen, 3), "three pods")
    three_nodes.broken.add("agent:broken")
    await change(seen, "agent:broken")
    await seen.until(lambda: status(seen).updatedNumberScheduled == 1, "one new pod")
    await seen.until(lambda: len(seen.pods()) == 3, "three pods")
    assert status(seen).numberAvailable == 2
    await change(seen, "agent:1.0")
    await seen.until(lambda: is_done(seen, 3), "three old pods")
    assert sorted(one.revision for one in seen.informers.revisions.list("default")) == [2, 3]


async def test_with_a_surge_the_old_pod_stays_until_the_new_one_works(
    seen: ClusterView, three_nodes: Any, controllers: ControllersSettings
) -> None:
    await seen.client.create(daemon_set())
    await seen.until(lambda: is_done(seen, 3), "three pods")
    three_nodes.broken.add("agent:broken")
    await change(seen, "agent:broken", surge=1)
    await seen.until(lambda: len(seen.pods()) == 4 and status(seen).desiredNumberScheduled == 3, "a fourth pod")
    assert status(seen).numberAvailable == 3
    await change(seen, "agent:1.2", surge=1)
    await seen.until(lambda: is_done(seen, 3), "three new pods")


async def test_a_pod_that_failed_is_replaced_and_told_of(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(daemon_set())
    await seen.until(lambda: is_done(seen, 1), "one pod")
    (pod,) = seen.pods()
    failed = pod_pb2.Pod()
    failed.CopyFrom(pod)
    failed.status.phase = "Failed"
    failed.metadata.resourceVersion = ""
    await seen.client.update_status(failed)
    await seen.until(lambda: is_done(seen, 1) and seen.pods()[0].metadata.uid != pod.metadata.uid, "another pod")
    message = f"Found failed daemon pod default/{pod.metadata.name} on node n1, will try to kill it"
    await seen.until_told({("DaemonSet", "FailedDaemonPod", message)})
