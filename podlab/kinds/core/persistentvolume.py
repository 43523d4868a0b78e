"""The kind PersistentVolume."""

from datetime import datetime

from podlab.api.cells import UNSET, Cells, Table, age, phase
from podlab.api.kinds import of
from podlab.api.storageclasses import access_modes
from podlab.core.v1 import volume_pb2
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

_CLASS = ("STORAGECLASS", "VOLUMEATTRIBUTESCLASS")
_FILESYSTEM = "Filesystem"


def _cells(item: PersistentVolume, now: datetime) -> Cells:
    claim = item.spec.claimRef
    return [
        item.metadata.name,
        item.spec.capacity["storage"].string if "storage" in item.spec.capacity else "",
        access_modes(item.spec.accessModes),
        item.spec.persistentVolumeReclaimPolicy,
        phase(item),
        f"{claim.namespace}/{claim.name}" if item.spec.HasField("claimRef") else "",
        item.spec.storageClassName,
        UNSET,
        item.status.reason,
        age(item, now),
        item.spec.volumeMode or UNSET,
    ]


def _set_defaults(volume: volume_pb2.PersistentVolume) -> None:
    """One that somebody has made by hand is kept when its claim goes."""
    spec = volume.spec
    spec.persistentVolumeReclaimPolicy = spec.persistentVolumeReclaimPolicy or "Retain"
    if not spec.HasField("volumeMode"):
        spec.volumeMode = _FILESYSTEM
    source = spec.persistentVolumeSource
    if source.HasField("hostPath") and not source.hostPath.HasField("type"):
        source.hostPath.type = ""


def _strategy() -> Strategy:
    from podlab.kinds.strategies import volumes as hooks
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.storage import volumes
    from podlab.kinds.warnings import moments
    from podlab.kinds.warnings.claims import of_volume

    return Strategy(
        prepare_for_create=hooks.begin_volume,
        prepare_for_status_update=hooks.note_phase,
        set_defaults=_set_defaults,
        rules=Rules(volumes.check_volume, volumes.check_volume_update),
        warn=moments.always(of_volume),
    )


RESOURCE = Resource(
    of(PersistentVolume),
    subresources=(STATUS,),
    table=Table(
        _cells,
        (
            *("NAME", "CAPACITY", "ACCESS MODES", "RECLAIM POLICY", "STATUS", "CLAIM"),
            *(*_CLASS, "REASON", "AGE", "VOLUMEMODE"),
        ),
        frozenset({"VOLUMEMODE"}),
    ),
    load_strategy=_strategy,
)
