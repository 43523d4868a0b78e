"""Defaults of volumes, claims and their classes."""

from podlab.core.v1 import claim_pb2, volume_pb2
from podlab.storage.v1 import storageclass_pb2

_FILESYSTEM = "Filesystem"


def apply_to_volume(volume: volume_pb2.PersistentVolume) -> None:
    """One that somebody has made by hand is kept when its claim goes."""
    spec = volume.spec
    spec.persistentVolumeReclaimPolicy = spec.persistentVolumeReclaimPolicy or "Retain"
    if not spec.HasField("volumeMode"):
        spec.volumeMode = _FILESYSTEM
    source = spec.persistentVolumeSource
    if source.HasField("hostPath") and not source.hostPath.HasField("type"):
        source.hostPath.type = ""


def apply_to_claim(claim: volume_pb2.PersistentVolumeClaim) -> None:
    """The class is given by admission: it depends on what classes there are."""
    apply_to_claim_spec(claim.spec)


def apply_to_claim_spec(spec: claim_pb2.PersistentVolumeClaimSpec) -> None:
    """What a claim, or the template of one, asks for."""
    if not spec.HasField("volumeMode"):
        spec.volumeMode = _FILESYSTEM


def apply_to_class(given: storageclass_pb2.StorageClass) -> None:
    """What is made for a claim goes with it."""
    if not given.HasField("reclaimPolicy"):
        given.reclaimPolicy = "Delete"
    if not given.HasField("volumeBindingMode"):
        given.volumeBindingMode = "Immediate"
