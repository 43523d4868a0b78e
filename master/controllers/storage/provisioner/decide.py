"""Which volume a claim gets from the local-path provisioner, and when such a volume goes.

The directory itself is the kubelet's to make and to remove: see docs/design/volumes.md.
"""

from __future__ import annotations

from collections.abc import Collection

from podlab.api.pods import volumes
from podlab.api.pods.volumes import LOCAL_PATH, LOCAL_PATH_DIRECTORY, PROVISIONED_BY
from podlab.api.selection.labels import HOSTNAME_LABEL
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.meta.v1 import meta_pb2
from podlab.storage.v1.storageclass_pb2 import StorageClass

_PATH = "path"
_OF_ONE_NODE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})


def volume_name(claim: PersistentVolumeClaim) -> str:
    """The same for every try, so that a claim never gets two."""
    return f"pvc-{claim.metadata.uid}"


def refusal(claim: PersistentVolumeClaim, storage_class: StorageClass, node: Node | None) -> str:
    """Why no directory can be what the claim asks for; empty when it can."""
    if claim.spec.HasField("selector"):
        return "claim.Spec.Selector is not supported"
    if claim.spec.volumeMode == "Block":
        return "volumeMode Block is not supported: a directory is a Filesystem"
    if not set(claim.spec.accessModes) <= _OF_ONE_NODE:
        return "only the access modes ReadWriteOnce and ReadWriteOncePod are supported: a directory is on one node"
    if unknown := sorted(set(storage_class.parameters) - {_PATH}):
        return f"parameter {unknown[0]!r} of the class is not known; the only one is {_PATH!r}"
    if not _directory(storage_class).startswith("/"):
        return f"parameter {_PATH!r} of the class is no absolute path: {_directory(storage_class)!r}"
    if node is None:
        return "no node was chosen: the class needs volumeBindingMode WaitForFirstConsumer"
    return ""


def volume_for(claim: PersistentVolumeClaim, storage_class: StorageClass, node: Node) -> PersistentVolume:
    """A directory of the node's, for the claim alone."""
    name = volume_name(claim)
    made = PersistentVolume(metadata=meta_pb2.ObjectMeta(name=name))
    made.metadata.annotations[PROVISIONED_BY] = LOCAL_PATH
    spec, about = made.spec, claim.metadata
    spec.capacity["storage"].CopyFrom(claim.spec.resources.requests["storage"])
    spec.accessModes.extend(claim.spec.accessModes)
    spec.volumeMode = claim.spec.volumeMode
    spec.storageClassName = storage_class.metadata.name
    spec.persistentVolumeReclaimPolicy = storage_class.reclaimPolicy
    spec.persistentVolumeSource.local.path = f"{_directory(storage_class).rstrip('/')}/{name}"
    spec.claimRef.kind, spec.claimRef.apiVersion = "PersistentVolumeClaim", "v1"
    spec.claimRef.namespace, spec.claimRef.name, spec.claimRef.uid = about.namespace, about.name, about.uid
    term = spec.nodeAffinity.required.nodeSelectorTerms.add()
    term.matchExpressions.add(key=HOSTNAME_LABEL, operator="In", values=[hostname(node)])
    return made


def hostname(node: Node) -> str:
    """By which volumes name the node."""
    return node.metadata.labels.get(HOSTNAME_LABEL) or node.metadata.name


def is_to_go(volume: PersistentVolume) -> bool:
    """Whether it was made for a claim that is gone, and goes with it."""
    done = volume.status.phase == "Released" and volume.spec.persistentVolumeReclaimPolicy == "Delete"
    return done and volumes.is_local_path(volume) and not volumes.is_going(volume)


def holds_nothing(volume: PersistentVolume, hostnames: Collection[str]) -> bool:
    """Whether its node need not be waited for: the data is to stay, or its node is gone for good."""
    if not volumes.is_going(volume) or LOCAL_PATH not in volume.metadata.finalizers:
        return False
    stays = volume.spec.persistentVolumeReclaimPolicy != "Delete"
    return volume.status.phase != "Bound" and (stays or volumes.local_path_node(volume) not in hostnames)


def _directory(storage_class: StorageClass) -> str:
    return storage_class.parameters.get(_PATH) or LOCAL_PATH_DIRECTORY
