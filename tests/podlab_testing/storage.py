"""Claims, volumes and classes that are valid by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.storageclass_pb2 import StorageClass
from podlab_testing import builtin_kinds

CLASS = "by-hand"


def volume(
    name: str = "disk",
    size: str = "1Gi",
    *,
    phase: str = "Available",
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    **spec: Any,
) -> PersistentVolume:
    base: dict[str, Any] = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": CLASS,
        "volumeMode": "Filesystem",
    }
    if not spec.keys() & {"local", "nfs", "csi"}:
        base["hostPath"] = {"path": f"/srv/{name}"}
    metadata = {"name": name, "labels": dict(labels or {}), "annotations": dict(annotations or {})}
    given = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": {**base, **spec}}
    made: Any = builtin_kinds.read(given)
    made.status.phase = phase
    return made  # type: ignore[no-any-return]


def claim(
    name: str = "data",
    size: str = "1Gi",
    *,
    uid: str = "",
    phase: str = "Pending",
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> PersistentVolumeClaim:
    base = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
        "storageClassName": CLASS,
        "volumeMode": "Filesystem",
    }
    metadata = {"name": name, "namespace": "default", "uid": uid or f"uid-{name}"}
    given = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {**base, **spec}}
    made: Any = builtin_kinds.read({**given, "metadata": {**metadata, "annotations": dict(annotations or {})}})
    made.status.phase = phase
    return made  # type: ignore[no-any-return]


def storage_class(name: str = CLASS, *, provisioner: str = "example.com/disk", delayed: bool = False) -> StorageClass:
    made = StorageClass(provisioner=provisioner, reclaimPolicy="Delete")
    made.metadata.name = name
    made.volumeBindingMode = "WaitForFirstConsumer" if delayed else "Immediate"
    return made


def kept_for(name: str = "data", uid: str = "") -> dict[str, str]:
    """A claimRef."""
    given = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": "default", "name": name}
    return {**given, "uid": uid} if uid else given
