"""The kind CSIStorageCapacity."""

from datetime import datetime

from podlab.api.cells import UNSET, Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.storage.v1.csi_pb2 import CSIStorageCapacity


def _cells(item: CSIStorageCapacity, now: datetime) -> Cells:
    capacity = item.capacity.string if item.HasField("capacity") else UNSET
    return [item.metadata.name, item.storageClassName, capacity, age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.storage import csi

    return Strategy(
        rules=Rules(csi.check_capacity, csi.check_capacity_update),
    )


RESOURCE = Resource(
    of(CSIStorageCapacity),
    table=Table(_cells, ("NAME", "STORAGECLASSNAME", "CAPACITY", "AGE")),
    load_strategy=_strategy,
)
