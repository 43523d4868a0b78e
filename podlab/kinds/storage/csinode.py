"""The kind CSINode."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.storage.v1.csi_pb2 import CSINode


def _cells(item: CSINode, now: datetime) -> Cells:
    return [item.metadata.name, str(len(item.spec.drivers)), age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.storage import csi

    return Strategy(
        rules=Rules(csi.check_node, csi.check_node_update),
    )


RESOURCE = Resource(
    of(CSINode),
    table=Table(_cells, ("NAME", "DRIVERS", "AGE"), types={"DRIVERS": "integer"}),
    load_strategy=_strategy,
)
