"""The kind StorageClass."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.api.storageclasses import is_default
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.storage.v1 import storageclass_pb2
from podlab.storage.v1.storageclass_pb2 import StorageClass


def _cells(item: StorageClass, now: datetime) -> Cells:
    return [
        item.metadata.name + (" (default)" if is_default(item) else ""),
        item.provisioner,
        item.reclaimPolicy or "Delete",
        item.volumeBindingMode or "Immediate",
        str(item.allowVolumeExpansion).lower(),
        age(item, now),
    ]


def _set_defaults(given: storageclass_pb2.StorageClass) -> None:
    """What is made for a claim goes with it."""
    if not given.HasField("reclaimPolicy"):
        given.reclaimPolicy = "Delete"
    if not given.HasField("volumeBindingMode"):
        given.volumeBindingMode = "Immediate"


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.storage import volumes

    return Strategy(
        set_defaults=_set_defaults,
        rules=Rules(volumes.check_storage_class, volumes.check_storage_class_update),
    )


RESOURCE = Resource(
    of(StorageClass),
    table=Table(
        _cells,
        ("NAME", "PROVISIONER", "RECLAIMPOLICY", "VOLUMEBINDINGMODE", "ALLOWVOLUMEEXPANSION", "AGE"),
        untold={"ALLOWVOLUMEEXPANSION": "true".__eq__},
    ),
    load_strategy=_strategy,
)
