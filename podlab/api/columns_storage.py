"""Columns of volumes, claims and their classes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from podlab.api.cells import UNSET, Cells, Table, age
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.storage.v1.storageclass_pb2 import StorageClass

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_SHORT_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def access_modes(modes: Iterable[str]) -> str:
    """RWO,ROX: each once, in Kubernetes' order."""
    given = set(modes)
    return ",".join(short for mode, short in _SHORT_MODES.items() if mode in given)


def _volume(item: PersistentVolume, now: datetime) -> Cells:
    claim = item.spec.claimRef
    return [
        item.metadata.name,
        item.spec.capacity["storage"].string if "storage" in item.spec.capacity else "",
        access_modes(item.spec.accessModes),
        item.spec.persistentVolumeReclaimPolicy,
        _phase(item),
        f"{claim.namespace}/{claim.name}" if item.spec.HasField("claimRef") else "",
        item.spec.storageClassName,
        UNSET,
        item.status.reason,
        age(item, now),
        item.spec.volumeMode or UNSET,
    ]


def _claim(item: PersistentVolumeClaim, now: datetime) -> Cells:
    bound = bool(item.spec.volumeName)
    return [
        item.metadata.name,
        _phase(item),
        item.spec.volumeName,
        item.status.capacity["storage"].string if bound and "storage" in item.status.capacity else "",
        access_modes(item.status.accessModes) if bound else "",
        item.spec.storageClassName,
        UNSET,
        age(item, now),
        item.spec.volumeMode or UNSET,
    ]


def _phase(item: Any) -> str:
    return "Terminating" if item.metadata.HasField("deletionTimestamp") else str(item.status.phase)


def is_default(item: StorageClass) -> bool:
    """Whether claims that name no class get this one."""
    return item.metadata.annotations.get(DEFAULT_CLASS) == "true"


def _class(item: StorageClass, now: datetime) -> Cells:
    return [
        item.metadata.name + (" (default)" if is_default(item) else ""),
        item.provisioner,
        item.reclaimPolicy or "Delete",
        item.volumeBindingMode or "Immediate",
        str(item.allowVolumeExpansion).lower(),
        age(item, now),
    ]


_CLASS = ("STORAGECLASS", "VOLUMEATTRIBUTESCLASS")
TABLES: dict[str, Table] = {
    "PersistentVolume": Table(
        _volume,
        (
            *("NAME", "CAPACITY", "ACCESS MODES", "RECLAIM POLICY", "STATUS", "CLAIM"),
            *(*_CLASS, "REASON", "AGE", "VOLUMEMODE"),
        ),
        frozenset({"VOLUMEMODE"}),
    ),
    "PersistentVolumeClaim": Table(
        _claim,
        ("NAME", "STATUS", "VOLUME", "CAPACITY", "ACCESS MODES", *_CLASS, "AGE", "VOLUMEMODE"),
        frozenset({"VOLUMEMODE"}),
    ),
    "StorageClass": Table(
        _class, ("NAME", "PROVISIONER", "RECLAIMPOLICY", "VOLUMEBINDINGMODE", "ALLOWVOLUMEEXPANSION", "AGE")
    ),
}
