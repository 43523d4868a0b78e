"""Claims and volumes: whether they suit each other, and the annotations that their binding leaves on them.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/ and
https://kubernetes.io/docs/reference/labels-annotations-taints/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from podlab.api import objects
from podlab.api.selection import selectors
from podlab.api.selection.labels import HOSTNAME_LABEL
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.meta.v1 import meta_pb2

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
"""On a claim: it was bound once. If its volume goes, the claim is lost, and never bound to another."""
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
"""On a claim or volume: its partner was chosen by the controller and not by the user."""
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
"""On a volume: who made it, and so who removes what is behind it."""
SELECTED_NODE = "volume.kubernetes.io/selected-node"
"""On a claim that waits for its first pod: the node that the scheduler has chosen for the pod."""
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
"""On a claim: who is to make its volume."""
CLAIM_PROTECTION, VOLUME_PROTECTION = "kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"
"""Finalizers: what is in use stays until it no longer is."""
NO_PROVISIONER = "kubernetes.io/no-provisioner"
"""A class's provisioner: its volumes are made by hand."""
LOCAL_PATH = "podlab.io/local-path"
"""The provisioner of directories on nodes; and the finalizer by which a node says that it holds such a directory."""
LOCAL_PATH_DIRECTORY = "/var/lib/podlab/kubelet/local-path"
"""Below it are the directories of the class that every cluster has."""


def is_bound(claim: PersistentVolumeClaim) -> bool:
    """Whether the claim has its volume, on both sides."""
    return bool(claim.spec.volumeName) and BIND_COMPLETED in claim.metadata.annotations


def is_kept_for(volume: PersistentVolume, claim: PersistentVolumeClaim) -> bool:
    """Whether the volume is the claim's, or was set aside for a claim of that name."""
    kept = volume.spec.claimRef
    same = (kept.namespace, kept.name) == (claim.metadata.namespace, claim.metadata.name)
    return volume.spec.HasField("claimRef") and same and kept.uid in ("", claim.metadata.uid)


def mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim) -> str:
    """Why the volume is not what the claim asks for, in Kubernetes' words; empty when it is. Labels do not count."""
    if size(volume.spec.capacity) < size(claim.spec.resources.requests):
        return "requested PV is too small"
    if volume.spec.storageClassName != claim.spec.storageClassName:
        return "storageClassName does not match"
    if volume.spec.volumeMode != claim.spec.volumeMode:
        return "incompatible volumeMode"
    if not set(claim.spec.accessModes) <= set(volume.spec.accessModes):
        return "incompatible accessMode"
    return ""


def free_for(claim: PersistentVolumeClaim, volumes: Iterable[PersistentVolume]) -> Iterator[PersistentVolume]:
    """The volumes that nobody has and that are what the claim asks for."""
    selector = selectors.from_message(claim.spec.selector)
    for volume in volumes:
        if volume.spec.HasField("claimRef") or volume.status.phase != "Available" or is_going(volume):
            continue
        if selector.matches(volume.metadata.labels) and not mismatch(volume, claim):
            yield volume


def kept_for(claim: PersistentVolumeClaim, volumes: Iterable[PersistentVolume]) -> PersistentVolume | None:
    """The volume that was set aside for the claim, if it is large enough and not going."""
    wanted = size(claim.spec.resources.requests)
    return next(
        (
            volume
            for volume in volumes
            if is_kept_for(volume, claim)
            and not is_going(volume)
            and volume.spec.volumeMode == claim.spec.volumeMode
            and size(volume.spec.capacity) >= wanted
        ),
        None,
    )


def smallest(volumes: Iterable[PersistentVolume]) -> PersistentVolume | None:
    """The one that wastes least; of several as small, the first by name."""
    return min(volumes, key=lambda one: (size(one.spec.capacity), one.metadata.name), default=None)


def size(amounts: Mapping[str, meta_pb2.Quantity]) -> int:
    """The bytes of storage that a volume has, or a claim asks for."""
    return quantity.value(amounts["storage"]) if "storage" in amounts else 0


def given_to(volume: PersistentVolume, claim: PersistentVolumeClaim) -> PersistentVolume:
    """The volume with the claim written down as its own."""
    result = PersistentVolume()
    result.CopyFrom(volume)
    if not is_kept_for(volume, claim):
        result.metadata.annotations[BOUND_BY_CONTROLLER] = "yes"
    elif volume.spec.claimRef.uid:
        return result
    kept, about = result.spec.claimRef, claim.metadata
    kept.kind, kept.apiVersion = "PersistentVolumeClaim", "v1"
    kept.namespace, kept.name, kept.uid = about.namespace, about.name, about.uid
    kept.resourceVersion = about.resourceVersion
    return result


def is_going(obj: PersistentVolume | PersistentVolumeClaim) -> bool:
    """Its deletion was asked for."""
    return obj.metadata.HasField("deletionTimestamp")


def claims_of(pod: pod_pb2.Pod) -> list[str]:
    """The names of the claims that the pod mounts, each once."""
    names = [claim_name(pod, volume) for volume in pod.spec.volumes]
    return list(dict.fromkeys(name for name in names if name))


def claim_name(pod: pod_pb2.Pod, volume: pod_pb2.Volume) -> str:
    """The claim behind one of the pod's volumes; empty when there is none."""
    if volume.volumeSource.HasField("ephemeral"):
        return f"{pod.metadata.name}-{volume.name}"
    return str(volume.volumeSource.persistentVolumeClaim.claimName)


def why_foreign(pod: pod_pb2.Pod, volume: pod_pb2.Volume, claim: PersistentVolumeClaim) -> str:
    """Why the claim is not the one that was made for the pod's ephemeral volume; empty when it is, or need not be.

    https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#persistentvolumeclaim-naming
    """
    owner = objects.controller_of(claim.metadata)
    if not volume.volumeSource.HasField("ephemeral") or (owner is not None and owner.uid == pod.metadata.uid):
        return ""
    about = f"{pod.metadata.namespace}/{pod.metadata.name}"
    return f"PVC {claim.metadata.namespace}/{claim.metadata.name} was not created for pod {about} (pod is not owner)"


def is_local_path(volume: PersistentVolume) -> bool:
    """Whether it is a directory that the local-path provisioner has given away."""
    made = volume.metadata.annotations.get(PROVISIONED_BY) == LOCAL_PATH
    return made and volume.spec.persistentVolumeSource.HasField("local")


def local_path_node(volume: PersistentVolume) -> str:
    """The hostname of the node on which such a directory is; empty for other volumes."""
    if not is_local_path(volume):
        return ""
    terms = volume.spec.nodeAffinity.required.nodeSelectorTerms
    requirements = [one for term in terms for one in term.matchExpressions if one.key == HOSTNAME_LABEL]
    return requirements[0].values[0] if requirements and requirements[0].values else ""
