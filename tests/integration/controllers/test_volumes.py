"""Claims get volumes, keep them as long as they are used, and leave nothing behind."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from podlab.api.pods.volumes import LOCAL_PATH, SELECTED_NODE, local_path_node
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.storageclass_pb2 import StorageClass
from podlab.storage.v1.volumeattachment_pb2 import VolumeAttachment

pytestmark = pytest.mark.usefixtures("controllers")


def volume(name: str = "disk", size: str = "1Gi", *, policy: str = "Retain", **spec: Any) -> Any:
    base = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": f"/srv/{name}"}}
    spec = {**base, "persistentVolumeReclaimPolicy": policy, "storageClassName": "by-hand", **spec}
    return builtin_kinds.read(
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}
    )


def claim(name: str = "data", size: str = "1Gi", **spec: Any) -> Any:
    base = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    metadata = {"name": name, "namespace": "default"}
    spec = {"storageClassName": "by-hand", **base, **spec}
    return builtin_kinds.read({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})


def user(claim_name: str, *, name: str = "user", node: str = "") -> pod_pb2.Pod:
    made = pod_pb2.Pod()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.spec.containers.add(name="main", image="hello:1.0")
    made.spec.nodeName = node
    made.spec.volumes.add(name="data").volumeSource.persistentVolumeClaim.claimName = claim_name
    return made


def volumes(seen: ClusterView) -> dict[str, PersistentVolume]:
    return {one.metadata.name: one for one in seen.informers.volumes.list()}


def phases(seen: ClusterView) -> dict[str, str]:
    every = [*seen.informers.volumes.list(), *seen.informers.claims.list()]
    return {one.metadata.name: one.status.phase for one in every}


async def test_a_claim_gets_the_smallest_volume_that_will_do_and_a_retained_one_keeps_its_data(
    seen: ClusterView,
) -> None:
    for name, size in (("small", "1Gi"), ("right", "5Gi"), ("large", "9Gi")):
        await seen.client.create(volume(name, size))
    await seen.client.create(claim(size="3Gi"))
    expected = {"small": "Available", "right": "Bound", "large": "Available", "data": "Bound"}
    await seen.until(lambda: phases(seen) == expected, "the claim has the volume of 5Gi")
    bound = seen.informers.claims.get("data", "default")
    assert (bound.spec.volumeName, bound.status.capacity["storage"].string) == ("right", "5Gi")
    await seen.client.delete(PersistentVolumeClaim, "data", "default")
    await seen.until(lambda: phases(seen).get("right") == "Released", "its volume is kept, and for nobody else")


async def test_of_two_claims_and_one_volume_one_waits_for_the_next_volume(seen: ClusterView) -> None:
    await seen.client.create(volume())
    for name in ("a", "b"):
        await seen.client.create(claim(name))
    await seen.until(lambda: sorted(phases(seen).values()) == ["Bound", "Bound", "Pending"], "one has it")
    await seen.client.create(volume("second"))
    await seen.until(lambda: set(phases(seen).values()) == {"Bound"}, "both have one")
    told = 'storageclass.storage.k8s.io "by-hand" not found'
    await seen.until_told({("PersistentVolumeClaim", "ProvisioningFailed", told)})


async def test_a_bound_claim_whose_volume_vanishes_is_lost_and_stays_so(seen: ClusterView) -> None:
    await seen.client.create(volume())
    await seen.client.create(claim())
    await seen.until(lambda: phases(seen) == {"disk": "Bound", "data": "Bound"}, "they are bound")
    await seen.client.delete(PersistentVolume, "disk")
    assert "disk" in volumes(seen), "a volume that is bound is protected"
    forced = await seen.client.get(PersistentVolume, "disk")
    forced.metadata.ClearField("finalizers")
    await seen.client.update(forced)
    await seen.until(lambda: phases(seen) == {"data": "Lost"}, "the claim is lost")
    lost = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
    await seen.until_told({("PersistentVolumeClaim", "ClaimLost", lost)})


async def test_a_claim_stays_until_its_last_pod_is_gone(seen: ClusterView, nodes: FakeNodes) -> None:
    nodes.gone.add("n1")
    await seen.client.create(claim())
    await seen.client.create(user("data", node="n1"))
    await seen.client.delete(PersistentVolumeClaim, "data", "default")
    await seen.until(lambda: seen.informers.claims.get("data", "default").metadata.deletionTimestamp.seconds, "it goes")
    await seen.client.create(claim("other"))  # whatever is done for this one is done after
    await seen.until(lambda: seen.informers.claims.get("other", "default"), "later changes are seen")
    assert seen.informers.claims.get("data", "default") is not None
    await seen.client.delete(pod_pb2.Pod, "user", "default", grace_period_s=0)
    await seen.until(lambda: seen.informers.claims.get("data", "default") is None, "it went with its pod")


def own(name: str) -> Any:
    """A pod with an ephemeral volume `data`, labelled."""
    claim_spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    template = {"metadata": {"labels": {"of": "own"}}, "spec": {**claim_spec, "storageClassName": "by-hand"}}
    volumes = [{"name": "data", "ephemeral": {"volumeClaimTemplate": template}}]
    spec = {"containers": [{"name": "main", "image": "hello:1.0"}], "volumes": volumes}
    metadata = {"name": name, "namespace": "default"}
    return builtin_kinds.read({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


async def test_an_ephemeral_volume_gets_a_claim_of_its_own_that_goes_with_its_pod(seen: ClusterView) -> None:
    pod = await seen.client.create(own("a"))
    await seen.until(lambda: seen.informers.claims.get("a-data", "default"), "the claim is made")
    made = seen.informers.claims.get("a-data", "default")
    assert made.metadata.labels["of"] == "own"
    assert [(one.uid, one.controller) for one in made.metadata.ownerReferences] == [(pod.metadata.uid, True)]
    assert made.spec.volumeMode == "Filesystem"
    await seen.client.delete(PersistentVolumeClaim, "a-data", "default")

    def is_another() -> bool:
        now = seen.informers.claims.get("a-data", "default")
        return now is not None and now.metadata.uid != made.metadata.uid

    await seen.until(is_another, "a pod that waits gets a claim again")
    await seen.client.delete(pod_pb2.Pod, "a", "default", grace_period_s=0)
    await seen.until(lambda: seen.informers.claims.get("a-data", "default") is None, "it went with its pod")


async def test_a_claim_that_has_the_name_already_is_left_alone_and_the_pod_says_so(seen: ClusterView) -> None:
    stranger = await seen.client.create(claim("a-data"))
    await seen.client.create(own("a"))
    told = "ephemeral volume data: PVC default/a-data was not created for pod default/a (pod is not owner)"
    await seen.until_told({("Pod", "FailedBinding", told)})
    assert seen.informers.claims.get("a-data", "default").metadata.uid == stranger.metadata.uid
    await seen.client.delete(PersistentVolumeClaim, "a-data", "default")

    def is_the_pods() -> bool:
        now = seen.informers.claims.get("a-data", "default")
        return now is not None and bool(now.metadata.ownerReferences)

    await seen.until(is_the_pods, "once it has gone, the pod gets its own")


async def test_a_claim_that_names_no_class_waits_for_its_pods_node_and_gets_a_directory_there(
    seen: ClusterView, nodes: FakeNodes
) -> None:
    wanted = claim()
    wanted.spec.ClearField("storageClassName")
    made = await seen.client.create(wanted)
    assert made.spec.storageClassName == "local-path"
    first = "waiting for first consumer to be created before binding"
    await seen.until_told({("PersistentVolumeClaim", "WaitForFirstConsumer", first)})
    made.metadata.resourceVersion = ""
    made.metadata.annotations[SELECTED_NODE] = "n1"
    await seen.client.update(made)
    await seen.until(lambda: "Bound" in phases(seen).values() and phases(seen)["data"] == "Bound", "it is bound")
    name = f"pvc-{made.metadata.uid}"
    given = volumes(seen)[name]
    assert given.spec.persistentVolumeSource.local.path.endswith(name)
    assert local_path_node(given) == "n1"
    told = f"Successfully provisioned volume {name}"
    await seen.until_told({("PersistentVolumeClaim", "ProvisioningSucceeded", told)})
    await seen.client.delete(PersistentVolumeClaim, "data", "default")
    await seen.until(lambda: not volumes(seen), "what was made for it goes with it")


async def test_a_directory_that_a_node_holds_goes_when_the_node_has_removed_it_or_is_gone(
    seen: ClusterView, nodes: FakeNodes
) -> None:
    wanted = claim(storageClassName="local-path")
    wanted.metadata.annotations[SELECTED_NODE] = "n1"
    await seen.client.create(wanted)
    await seen.until(lambda: phases(seen).get("data") == "Bound", "it is bound")
    (held,) = volumes(seen).values()
    held = await seen.client.get(PersistentVolume, held.metadata.name)
    held.metadata.finalizers.append(LOCAL_PATH)
    await seen.client.update(held)
    await seen.client.delete(PersistentVolumeClaim, "data", "default")
    await seen.until(lambda: list(volumes(seen)[held.metadata.name].metadata.finalizers) == [LOCAL_PATH], "it waits")
    await seen.client.delete(node_pb2.Node, "n1")
    await seen.until(lambda: not volumes(seen), "nobody waits for a node that is gone")


def local_class(**parameters: str) -> Any:
    given = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "mine"}}
    delayed = {"provisioner": LOCAL_PATH, "volumeBindingMode": "WaitForFirstConsumer"}
    return builtin_kinds.read({**given, **delayed, "parameters": parameters})


async def test_a_class_that_is_made_anew_is_tried_again(seen: ClusterView, nodes: FakeNodes) -> None:
    await seen.client.create(local_class(pth="/srv"))
    wanted = claim(storageClassName="mine")
    wanted.metadata.annotations[SELECTED_NODE] = "n1"
    await seen.client.create(wanted)
    about = "parameter 'pth' of the class is not known; the only one is 'path'"
    told = f'failed to provision volume with StorageClass "mine": {about}'
    await seen.until_told({("PersistentVolumeClaim", "ProvisioningFailed", told)})
    await seen.client.delete(StorageClass, "mine")
    await seen.client.create(local_class(path="/srv"))
    await seen.until(lambda: phases(seen).get("data") == "Bound", "it is bound")
    (given,) = volumes(seen).values()
    assert given.spec.persistentVolumeSource.local.path.startswith("/srv/pvc-")


async def test_a_bound_claim_that_asks_for_more_is_told_that_nobody_enlarges_it(seen: ClusterView) -> None:
    growing = storage_class("by-hand")
    await seen.client.create(growing)
    await seen.client.create(volume())
    await seen.client.create(claim())
    await seen.until(lambda: phases(seen) == {"disk": "Bound", "data": "Bound"}, "they are bound")
    asking = await seen.client.get(PersistentVolumeClaim, "data", "default")
    asking.spec.resources.requests["storage"].string = "2Gi"
    await seen.client.update(asking)
    ignored = "Ignoring the PVC: didn't find a plugin capable of expanding the volume"
    told = f"{ignored}; waiting for an external controller to process this PVC."
    await seen.until_told({("PersistentVolumeClaim", "ExternalExpanding", told)})


def storage_class(name: str) -> StorageClass:
    made = StorageClass(provisioner="kubernetes.io/no-provisioner", allowVolumeExpansion=True)
    made.metadata.name = name
    return made


def attachments(seen: ClusterView) -> set[tuple[str, str]]:
    """The volumes that are to be attached, and where."""
    wishes = seen.informers.of(VolumeAttachment).list()
    return {(one.spec.source.persistentVolumeName, one.spec.nodeName) for one in wishes}


async def test_a_drivers_volume_is_attached_where_its_pods_are_until_the_last_has_gone(seen: ClusterView) -> None:
    """Conformance: VolumeAttachment, whose others are left alone."""
    source = {"hostPath": None, "csi": {"driver": "a.io", "volumeHandle": "h"}}
    other = VolumeAttachment()
    other.metadata.name, other.spec.attacher, other.spec.nodeName = "other", "a.io", "n9"
    other.spec.source.persistentVolumeName = "disk"
    await seen.client.create(other)
    await seen.client.create(volume(**source))
    await seen.client.create(claim())
    await seen.until(lambda: phases(seen) == {"disk": "Bound", "data": "Bound"}, "they are bound")
    for name, node in (("a", "n1"), ("b", "n1"), ("c", "n2")):
        await seen.client.create(user("data", name=name, node=node))
    everywhere = {("disk", "n1"), ("disk", "n2"), ("disk", "n9")}
    await seen.until(lambda: attachments(seen) == everywhere, "the volume is to be attached to both nodes")
    await seen.client.delete(pod_pb2.Pod, "c", "default", grace_period_s=0)
    await seen.client.delete(pod_pb2.Pod, "a", "default", grace_period_s=0)
    await seen.until(lambda: attachments(seen) == everywhere - {("disk", "n2")}, "it stays where a pod still is")
    await seen.client.delete(PersistentVolumeClaim, "data", "default")  # which goes with its last pod
    await seen.client.delete(pod_pb2.Pod, "b", "default", grace_period_s=0)
    await seen.until(lambda: attachments(seen) == {("disk", "n9")}, "it is detached")


async def test_a_volume_whose_driver_attaches_nothing_is_not_attached(seen: ClusterView) -> None:
    driver = {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "a.io"}}
    await seen.client.create(builtin_kinds.read({**driver, "spec": {"attachRequired": False}}))
    for name, of in (("disk", "a.io"), ("second", "b.io")):
        await seen.client.create(volume(name, hostPath=None, csi={"driver": of, "volumeHandle": name}))
        await seen.client.create(claim(name, volumeName=name))
    bound = {"disk", "second"}
    await seen.until(lambda: {name for name, phase in phases(seen).items() if phase == "Bound"} == bound, "bound")
    for name in ("disk", "second"):
        await seen.client.create(user(name, name=name, node="n1"))
    await seen.until(lambda: attachments(seen) == {("second", "n1")}, "the other driver's volume is attached")
