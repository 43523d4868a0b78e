"""The kind RuntimeClass."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.node.v1.runtimeclass_pb2 import RuntimeClass


def _cells(item: RuntimeClass, now: datetime) -> Cells:
    return [item.metadata.name, item.handler, age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import runtimeclasses
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        rules=Rules(runtimeclasses.check_runtime_class, runtimeclasses.check_runtime_class_update),
    )


RESOURCE = Resource(
    of(RuntimeClass),
    table=Table(_cells, ("NAME", "HANDLER", "AGE")),
    load_strategy=_strategy,
)
