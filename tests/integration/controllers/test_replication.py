"""ReplicationControllers: pods by labels alone."""

from __future__ import annotations

from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.core.v1 import pod_pb2, replicationcontroller_pb2


def replication_controller(replicas: int) -> replicationcontroller_pb2.ReplicationController:
    made = replicationcontroller_pb2.ReplicationController()
    made.metadata.name, made.metadata.namespace = "old", "default"
    made.spec.replicas = replicas
    made.spec.template.metadata.labels["app"] = "old"
    made.spec.template.spec.containers.add(name="main", image="hello:1.0")
    return made


async def test_a_replication_controller_keeps_its_number_of_pods_and_takes_in_orphans(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    orphan = pod_pb2.Pod()
    orphan.metadata.name, orphan.metadata.namespace = "stray", "default"
    orphan.metadata.labels["app"] = "old"
    orphan.spec.containers.add(name="main", image="hello:1.0")
    await seen.client.create(orphan)
    await seen.client.create(replication_controller(3))
    informer = seen.informers.by_kind[GroupKind("", "ReplicationController")]
    await seen.until(
        lambda: (found := informer.get("old", "default")) and found.status.availableReplicas == 3,
        "three available pods",
    )
    pods = seen.pods()
    assert len(pods) == 3
    assert "stray" in {pod.metadata.name for pod in pods}
    assert all(pod.metadata.ownerReferences[0].kind == "ReplicationController" for pod in pods)
    await seen.client.delete(pod_pb2.Pod, "stray", "default")
    await seen.until(lambda: len(seen.pods()) == 3 and not seen.informers.pods.get("stray", "default"), "a new third")
