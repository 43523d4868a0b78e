"""The kind VolumeAttributesClass."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.storage.v1.volumeattributesclass_pb2 import VolumeAttributesClass


def _cells(item: VolumeAttributesClass, now: datetime) -> Cells:
    return [item.metadata.name, item.driverName, age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.storage import volumes

    return Strategy(
        rules=Rules(volumes.check_attributes_class, volumes.check_attributes_class_update),
    )


RESOURCE = Resource(
    of(VolumeAttributesClass),
    table=Table(_cells, ("NAME", "DRIVERNAME", "AGE")),
    load_strategy=_strategy,
)
