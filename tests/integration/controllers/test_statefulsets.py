"""StatefulSets: pods that are somebody, in order."""

from __future__ import annotations

from typing import Any

from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from master.controllers.settings import ControllersSettings
from podlab.api.kinds import GroupKind
from podlab.apps.v1 import statefulset_pb2
from podlab.core.v1 import pod_pb2, volume_pb2
from podlab.meta.v1.meta_pb2 import IntOrString

HASH = "controller-revision-hash"


def stateful_set(replicas: int = 3, *, policy: str = "OrderedReady", start: int = 0) -> statefulset_pb2.StatefulSet:
    made = statefulset_pb2.StatefulSet()
    made.metadata.name, made.metadata.namespace = "web", "default"
    made.spec.replicas = replicas
    made.spec.serviceName = "nginx"
    made.spec.podManagementPolicy = policy
    made.spec.selector.matchLabels["app"] = "web"
    made.spec.template.metadata.labels["app"] = "web"
    made.spec.template.spec.containers.add(name="main", image="hello:1.0")
    if start:
        made.spec.ordinals.start = start
    claim = made.spec.volumeClaimTemplates.add()
    claim.metadata.name = "data"
    claim.spec.accessModes.append("ReadWriteOnce")
    claim.spec.resources.requests["storage"].string = "1Gi"
    return made


def found(seen: ClusterView) -> Any:
    return seen.informers.stateful_sets.get("web", "default")


def is_done(seen: ClusterView) -> bool:
    known = found(seen) or statefulset_pb2.StatefulSet()
    status, wanted = known.status, known.spec.replicas
    return bool(
        known.metadata.uid
        and status.observedGeneration == known.metadata.generation
        and status.replicas == status.availableReplicas == status.updatedReplicas == wanted
        and status.currentRevision == status.updateRevision
        and len(seen.pods()) == wanted
    )


def names(seen: ClusterView) -> set[str]:
    return {pod.metadata.name for pod in seen.pods()}


def is_another(seen: ClusterView, name: str, uid: str) -> bool:
    pod = seen.informers.pods.get(name, "default")
    return pod is not None and pod.metadata.uid != uid


async def change(seen: ClusterView, **fields: Any) -> None:
    known = await seen.client.get(statefulset_pb2.StatefulSet, "web", "default")
    if "image" in fields:
        known.spec.template.spec.containers[0].image = fields["image"]
    if "replicas" in fields:
        known.spec.replicas = fields["replicas"]
    if "partition" in fields:
        known.spec.updateStrategy.rollingUpdate.partition = fields["partition"]
    if "unavailable" in fields:
        known.spec.updateStrategy.rollingUpdate.maxUnavailable.CopyFrom(IntOrString(intVal=fields["unavailable"]))
    if "retain" in fields:
        known.spec.persistentVolumeClaimRetentionPolicy.whenScaled = fields["retain"]
        known.spec.persistentVolumeClaimRetentionPolicy.whenDeleted = fields["retain"]
    known.metadata.resourceVersion = ""
    await seen.client.update(known)
    await seen.until(lambda: found(seen).metadata.generation > known.metadata.generation, "the update")


async def test_pods_come_one_after_the_other_with_names_labels_and_claims_of_their_own(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(stateful_set(start=5))
    await seen.until(lambda: is_done(seen), "three pods")
    pods = sorted(seen.pods(), key=lambda pod: int(pod.metadata.resourceVersion))
    assert sorted(pod.metadata.name for pod in pods) == ["web-5", "web-6", "web-7"]
    (pod,) = [pod for pod in pods if pod.metadata.name == "web-6"]
    assert (pod.spec.hostname, pod.spec.subdomain) == ("web-6", "nginx")
    assert pod.metadata.labels["statefulset.kubernetes.io/pod-name"] == "web-6"
    assert pod.metadata.labels["apps.kubernetes.io/pod-index"] == "6"
    assert pod.metadata.labels[HASH] == found(seen).status.currentRevision
    (claim,) = [volume for volume in pod.spec.volumes if volume.name == "data"]
    assert claim.volumeSource.persistentVolumeClaim.claimName == "data-web-6"
    claims = {at.name for at in seen.informers.by_kind[GroupKind("", "PersistentVolumeClaim")].store}
    assert claims == {"data-web-5", "data-web-6", "data-web-7"}
    await seen.until_told(
        {
            ("StatefulSet", "SuccessfulCreate", "create Claim data-web-5 Pod web-5 in StatefulSet web success"),
            ("StatefulSet", "SuccessfulCreate", "create Pod web-5 in StatefulSet web successful"),
        }
    )


async def test_a_pod_that_is_deleted_comes_back_as_the_same_with_the_same_claim(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(stateful_set())
    await seen.until(lambda: is_done(seen), "three pods")
    before = seen.informers.pods.get("web-1", "default").metadata.uid
    claim = seen.informers.by_kind[GroupKind("", "PersistentVolumeClaim")].get("data-web-1", "default").metadata.uid
    await seen.client.delete(pod_pb2.Pod, "web-1", "default")
    await seen.until(lambda: is_another(seen, "web-1", before) and is_done(seen), "another web-1")
    assert (
        seen.informers.by_kind[GroupKind("", "PersistentVolumeClaim")].get("data-web-1", "default").metadata.uid
        == claim
    )


async def test_a_new_template_goes_from_the_highest_pod_to_the_partition_and_back(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(stateful_set(4))
    await seen.until(lambda: is_done(seen), "four pods")
    first = found(seen).status.currentRevision
    await change(seen, image="hello:1.1", partition=2)
    await seen.until(lambda: found(seen).status.updatedReplicas == 2 and len(seen.pods()) == 4, "two new pods")
    images = {pod.metadata.name: pod.spec.containers[0].image for pod in seen.pods()}
    assert images == {"web-0": "hello:1.0", "web-1": "hello:1.0", "web-2": "hello:1.1", "web-3": "hello:1.1"}
    before = seen.informers.pods.get("web-0", "default").metadata.uid
    await seen.client.delete(pod_pb2.Pod, "web-0", "default")
    await seen.until(lambda: is_another(seen, "web-0", before), "another web-0")
    assert seen.informers.pods.get("web-0", "default").spec.containers[0].image == "hello:1.0"
    await change(seen, partition=0)
    await seen.until(lambda: is_done(seen), "all new")
    await change(seen, image="hello:1.0")
    await seen.until(lambda: is_done(seen) and found(seen).status.currentRevision == first, "all old again")
    revisions = {one.metadata.name: one.revision for one in seen.informers.revisions.list("default")}
    assert revisions[first] == 3
    assert sorted(revisions.values()) == [2, 3]


async def test_fewer_pods_leave_from_the_highest_on_and_claims_go_with_them_where_the_policy_says_so(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    claims = seen.informers.by_kind[GroupKind("", "PersistentVolumeClaim")]
    await seen.client.create(stateful_set(3, policy="Parallel"))
    await seen.until(lambda: is_done(seen), "three pods")
    await change(seen, replicas=2)
    await seen.until(lambda: is_done(seen) and names(seen) == {"web-0", "web-1"}, "two pods")
    assert claims.get("data-web-2", "default") is not None
    await change(seen, retain="Delete")
    await change(seen, replicas=1)
    await seen.until(lambda: is_done(seen), "one pod")
    await seen.until(lambda: _removed(claims.get("data-web-1", "default")), "the claim of web-1 goes")
    owners = [owner.kind for owner in claims.get("data-web-0", "default").metadata.ownerReferences]
    assert owners == ["StatefulSet"]
    assert not claims.get("data-web-2", "default").metadata.ownerReferences


async def test_a_pod_that_comes_again_waits_until_the_claim_of_the_last_one_is_gone(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    claims = seen.informers.by_kind[GroupKind("", "PersistentVolumeClaim")]
    made = stateful_set(2)
    made.spec.persistentVolumeClaimRetentionPolicy.whenScaled = "Delete"
    await seen.client.create(made)
    await seen.until(lambda: is_done(seen), "two pods")
    before = claims.get("data-web-1", "default").metadata.uid
    await change(seen, replicas=1)
    await seen.until(lambda: seen.informers.pods.get("web-1", "default") is None, "web-1 is gone")
    await change(seen, replicas=2)
    await seen.until(lambda: is_done(seen), "two pods again")
    assert claims.get("data-web-1", "default").metadata.uid != before


def _removed(claim: volume_pb2.PersistentVolumeClaim | None) -> bool:
    """Its protection is another controller's part."""
    return claim is None or claim.metadata.HasField("deletionTimestamp")


async def test_two_pods_at_once_may_be_replaced_where_two_may_be_unavailable(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    await seen.client.create(stateful_set(4, policy="Parallel"))
    await seen.until(lambda: is_done(seen), "four pods")
    nodes.broken.add("hello:broken")
    await change(seen, image="hello:broken", unavailable=2)
    await seen.until(lambda: found(seen).status.updatedReplicas == 2, "two new pods")
    await seen.until(lambda: len(seen.pods()) == 4, "four pods")
    assert found(seen).status.availableReplicas == 2
    await change(seen, image="hello:1.2")
    await seen.until(lambda: is_done(seen), "four pods that work")


async def test_a_pod_that_is_taken_in_gets_its_identity(
    seen: ClusterView, nodes: FakeNodes, controllers: ControllersSettings
) -> None:
    stray = pod_pb2.Pod()
    stray.metadata.name, stray.metadata.namespace = "web-0", "default"
    stray.metadata.labels["app"] = "web"
    stray.spec.containers.add(name="main", image="hello:1.0")
    await seen.client.create(stray)
    wanted = stateful_set(1)
    wanted.spec.updateStrategy.type = "OnDelete"
    await seen.client.create(wanted)

    def labels() -> dict[str, str]:
        return dict(seen.informers.pods.get("web-0", "default").metadata.labels)

    told = {"statefulset.kubernetes.io/pod-name": "web-0", "apps.kubernetes.io/pod-index": "0"}
    await seen.until(lambda: told.items() <= labels().items(), "its labels")
    await seen.until_told({("StatefulSet", "SuccessfulUpdate", "update Pod web-0 in StatefulSet web successful")})
