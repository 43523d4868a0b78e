"""Deployments from their creation to their end."""

from __future__ import annotations

from typing import Any

from podlab_testing.cluster import Cluster
from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.objects.templatehash import template_hash
from master.controllers.settings import ControllersSettings
from podlab.api.objects import condition
from podlab.apps.v1 import deployment_pb2, replicaset_pb2
from podlab.core.v1 import pod_pb2
from podlab.v1 import apiserver_pb2

REVISION = "deployment.kubernetes.io/revision"


def deployment(name: str = "web", replicas: int = 3, image: str = "hello:1.0") -> deployment_pb2.Deployment:
    made = deployment_pb2.Deployment()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.spec.replicas = replicas
    made.spec.selector.matchLabels["app"] = name
    made.spec.template.metadata.labels["app"] = name
    made.spec.template.spec.containers.add(name="main", image=image)
    return made


def is_done(seen: ClusterView, name: str = "web") -> bool:
    found = seen.informers.deployments.get(name, "default")
    if found is None or found.status.observedGeneration != found.metadata.generation:
        return False
    status, wanted = found.status, found.spec.replicas
    return bool(status.updatedReplicas == status.replicas == status.availableReplicas == wanted)


async def change(seen: ClusterView, name: str = "web", *, image: str = "", replicas: int | None = None) -> None:
    found = await seen.client.get(deployment_pb2.Deployment, name, "default")
    found.metadata.resourceVersion = ""
    if image:
        found.spec.template.spec.containers[0].image = image
    if replicas is not None:
        found.spec.replicas = replicas
    await seen.client.update(found)
    generation = found.metadata.generation + 1
    await seen.until(
        lambda: seen.informers.deployments.get(name, "default").metadata.generation >= generation, "the update"
    )


async def test_a_deployment_becomes_pods_and_says_so(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(deployment())
    await seen.until(lambda: is_done(seen), "three available pods")
    found = seen.informers.deployments.get("web", "default")
    available = condition(found.status.conditions, "Available")
    progressing = condition(found.status.conditions, "Progressing")
    assert (available.status, available.reason) == ("True", "MinimumReplicasAvailable")
    assert (progressing.status, progressing.reason) == ("True", "NewReplicaSetAvailable")
    assert found.metadata.annotations[REVISION] == "1"
    (replica_set,) = seen.informers.replica_sets.list("default")
    pods = seen.pods()
    assert {pod.metadata.labels["pod-template-hash"] for pod in pods} == {
        replica_set.metadata.labels["pod-template-hash"]
    }
    assert all(pod.metadata.name.startswith(replica_set.metadata.name + "-") for pod in pods)


async def test_what_happens_is_told_in_events(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(deployment(replicas=1))
    await seen.until(lambda: is_done(seen), "one available pod")
    (replica_set,) = seen.informers.replica_sets.list("default")
    name, pod = replica_set.metadata.name, seen.pods()[0].metadata.name
    wanted = {
        ("Deployment", "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to 1"),
        ("ReplicaSet", "SuccessfulCreate", f"Created pod: {pod}"),
    }
    await seen.until_told(wanted)


async def test_a_new_image_rolls_out_and_an_old_one_comes_back_as_a_new_revision(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(deployment())
    await seen.until(lambda: is_done(seen), "the first rollout")
    await change(seen, image="hello:1.1")
    await seen.until(lambda: is_done(seen), "the second rollout")
    assert {pod.spec.containers[0].image for pod in seen.pods()} == {"hello:1.1"}
    await change(seen, image="hello:1.0")
    await seen.until(lambda: is_done(seen), "the way back")
    await seen.until(
        lambda: seen.informers.deployments.get("web", "default").metadata.annotations.get(REVISION) == "3", "revision 3"
    )
    revisions = {
        one.spec.template.spec.containers[0].image: one.metadata.annotations[REVISION]
        for one in seen.informers.replica_sets.list("default")
    }
    assert revisions == {"hello:1.0": "3", "hello:1.1": "2"}


async def test_a_broken_image_stops_the_rollout_and_the_old_pods_keep_serving(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(deployment(replicas=4))
    await seen.until(lambda: is_done(seen), "the first rollout")
    nodes.broken.add("broken")
    await change(seen, image="broken")

    def stuck() -> bool:
        images = [pod.spec.containers[0].image for pod in seen.pods() if pod.status.phase == "Running"]
        return images.count("broken") == 2 and images.count("hello:1.0") == 3

    await seen.until(stuck, "25 % more and 25 % fewer pods than wanted")
    found = seen.informers.deployments.get("web", "default")
    assert condition(found.status.conditions, "Available").status == "True"


async def test_a_deleted_pod_is_replaced(seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings) -> None:
    await seen.client.create(deployment(replicas=2))
    await seen.until(lambda: is_done(seen), "two available pods")
    victim = seen.pods()[0]
    await seen.client.delete(pod_pb2.Pod, victim.metadata.name, "default")
    await seen.until(
        lambda: len(seen.pods()) == 2 and victim.metadata.uid not in {pod.metadata.uid for pod in seen.pods()},
        "another pod in its place",
    )


async def test_scaling_creates_and_deletes_exactly_what_is_needed(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(deployment(replicas=1))
    await seen.until(lambda: is_done(seen), "one pod")
    created: set[str] = set()
    seen.informers.pods.on_change(lambda one: created.add(one.key.name))
    await change(seen, replicas=40)
    await seen.until(lambda: is_done(seen), "forty pods")
    assert len(created | {pod.metadata.name for pod in seen.pods()}) == 40
    await change(seen, replicas=0)
    await seen.until(lambda: is_done(seen) and not seen.pods(), "no pods")


async def test_all_goes_with_the_deployment(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(deployment())
    await seen.until(lambda: is_done(seen), "three available pods")
    await seen.client.delete(deployment_pb2.Deployment, "web", "default")
    await seen.until(
        lambda: not seen.informers.pods.list("default") and not seen.informers.replica_sets.list("default"),
        "no ReplicaSet and no pod",
    )


async def test_foreground_deletion_takes_the_owner_last(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(deployment(replicas=2))
    await seen.until(lambda: is_done(seen), "two available pods")
    order: list[str] = []
    for informer in (seen.informers.pods, seen.informers.replica_sets, seen.informers.deployments):
        informer.on_change(lambda one: order.append(one.key.kind) if one.new is None else None)
    foreground = apiserver_pb2.PROPAGATION_POLICY_FOREGROUND
    await seen.client.delete(deployment_pb2.Deployment, "web", "default", propagation=foreground)
    await seen.until(lambda: "Deployment" in order, "the Deployment's end")
    assert order == ["Pod", "Pod", "ReplicaSet", "Deployment"]


async def test_orphaned_dependants_stay_and_are_adopted_again(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(deployment(replicas=2))
    await seen.until(lambda: is_done(seen), "two available pods")
    pods = {pod.metadata.uid for pod in seen.pods()}
    orphan = apiserver_pb2.PROPAGATION_POLICY_ORPHAN
    await seen.client.delete(deployment_pb2.Deployment, "web", "default", propagation=orphan)
    await seen.until(lambda: seen.informers.deployments.get("web", "default") is None, "the Deployment's end")
    (replica_set,) = seen.informers.replica_sets.list("default")
    assert not replica_set.metadata.ownerReferences
    await seen.client.create(deployment(replicas=2))
    await seen.until(lambda: is_done(seen), "the adoption")
    assert {pod.metadata.uid for pod in seen.pods()} == pods


async def test_recreate_ends_all_old_pods_before_the_first_new_one(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    wanted = deployment()
    wanted.spec.strategy.type = "Recreate"
    await seen.client.create(wanted)
    await seen.until(lambda: is_done(seen), "the first rollout")
    together: list[set[str]] = []

    def note(_: Any) -> None:
        together.append({pod.spec.containers[0].image for pod in seen.informers.pods.list("default")})

    seen.informers.pods.on_change(note)
    await change(seen, image="hello:1.1")
    await seen.until(lambda: is_done(seen), "the second rollout")
    assert {"hello:1.0", "hello:1.1"} not in together


async def test_the_history_keeps_no_more_than_its_limit(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    wanted = deployment(replicas=1)
    wanted.spec.revisionHistoryLimit = 1
    await seen.client.create(wanted)
    await seen.until(lambda: is_done(seen), "the first rollout")
    for image in ("hello:1.1", "hello:1.2", "hello:1.3"):
        await change(seen, image=image)
        await seen.until(lambda: is_done(seen), f"the rollout of {image}")
    await seen.until(lambda: len(seen.informers.replica_sets.list("default")) == 2, "one old ReplicaSet")


async def test_a_pod_that_no_longer_matches_is_let_go_and_replaced(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(deployment(replicas=1))
    await seen.until(lambda: is_done(seen), "one available pod")
    name = seen.pods()[0].metadata.name
    pod = await seen.client.get(pod_pb2.Pod, name, "default")
    pod.metadata.resourceVersion = ""
    pod.metadata.labels["app"] = "quarantined"
    await seen.client.update(pod)
    await seen.until(
        lambda: len(seen.pods()) == 2 and not seen.informers.pods.get(name, "default").metadata.ownerReferences,
        "a free pod and another in its place",
    )


async def test_pods_are_neither_lost_nor_doubled_while_the_api_server_restarts(
    cluster: Cluster, seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(deployment(replicas=5))
    await cluster.stop()
    await cluster.start()
    await seen.until(lambda: is_done(seen), "five available pods")
    (replica_set,) = (await seen.client.list(replicaset_pb2.ReplicaSet, "default")).items
    assert replica_set.status.replicas == 5
    assert len((await seen.client.list(pod_pb2.Pod, "default")).items) == 5


async def test_a_name_that_another_has_is_got_around(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    wanted = deployment(replicas=1)
    wanted.spec.paused = True
    stored = await seen.client.create(wanted)
    squatter = replicaset_pb2.ReplicaSet()
    squatter.metadata.name = f"web-{template_hash(stored.spec.template, 0)}"
    squatter.metadata.namespace = "default"
    squatter.spec.replicas = 0
    squatter.spec.selector.matchLabels["app"] = "squatter"
    squatter.spec.template.metadata.labels["app"] = "squatter"
    squatter.spec.template.spec.containers.add(name="main", image="other")
    await seen.client.create(squatter)
    found = await seen.client.get(deployment_pb2.Deployment, "web", "default")
    found.metadata.resourceVersion = ""
    found.spec.paused = False
    await seen.client.update(found)
    await seen.until(lambda: is_done(seen), "one available pod")
    assert seen.informers.deployments.get("web", "default").status.collisionCount == 1
    assert len(seen.informers.replica_sets.list("default")) == 2
