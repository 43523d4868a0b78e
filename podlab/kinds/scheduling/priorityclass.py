"""The kind PriorityClass."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.scheduling.v1 import priorityclass_pb2
from podlab.scheduling.v1.priorityclass_pb2 import PriorityClass


def _cells(item: PriorityClass, now: datetime) -> Cells:
    default = str(item.globalDefault).lower()
    return [item.metadata.name, str(item.value), default, age(item, now), item.preemptionPolicy]


def _set_defaults(given: priorityclass_pb2.PriorityClass) -> None:
    """Pods may take the place of less important ones."""
    if not given.HasField("preemptionPolicy"):
        given.preemptionPolicy = "PreemptLowerPriority"


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import policy
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(policy.check_priority_class, policy.check_priority_class_update),
    )


RESOURCE = Resource(
    of(PriorityClass),
    table=Table(
        _cells,
        ("NAME", "VALUE", "GLOBAL-DEFAULT", "AGE", "PREEMPTIONPOLICY"),
        types={"VALUE": "integer", "GLOBAL-DEFAULT": "boolean"},
    ),
    load_strategy=_strategy,
)
