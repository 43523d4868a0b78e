"""The kind ComponentStatus."""

from datetime import datetime

from podlab.api.cells import NONE, Cells, Table
from podlab.api.kinds import of
from podlab.core.v1.componentstatus_pb2 import ComponentStatus
from podlab.kinds.resource import Resource


def _cells(item: ComponentStatus, _: datetime) -> Cells:
    healthy = next((one for one in item.conditions if one.type == "Healthy"), None)
    if healthy is None:
        return [item.metadata.name, "Unknown", NONE, NONE]
    status = {"True": "Healthy", "False": "Unhealthy"}.get(healthy.status, "Unknown")
    return [item.metadata.name, status, healthy.message, healthy.error]


RESOURCE = Resource(
    of(ComponentStatus),
    stored=False,
    verbs=("get", "list"),
    warnings=("v1 ComponentStatus is deprecated in v1.19+",),
    table=Table(_cells, ("NAME", "STATUS", "MESSAGE", "ERROR")),
)
