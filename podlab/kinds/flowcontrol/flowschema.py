"""The kind FlowSchema."""

from datetime import datetime

from podlab.api.cells import NONE, Cells, Table, age
from podlab.api.kinds import of
from podlab.api.objects import condition
from podlab.flowcontrol.v1.flowschema_pb2 import FlowSchema
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS

_PRECEDENCE = 1000


def _cells(item: FlowSchema, now: datetime) -> Cells:
    spec, dangling = item.spec, condition(item.status.conditions, "Dangling")
    return [
        item.metadata.name,
        spec.priorityLevelConfiguration.name,
        str(spec.matchingPrecedence),
        spec.distinguisherMethod.type if spec.HasField("distinguisherMethod") else NONE,
        age(item, now),
        "?" if dangling is None else dangling.status,
    ]


def _set_defaults(given: FlowSchema) -> None:
    """In the middle."""
    given.spec.matchingPrecedence = given.spec.matchingPrecedence or _PRECEDENCE


def _strategy() -> Strategy:
    from podlab.kinds.validation.cluster import flowcontrol
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(flowcontrol.check_schema, status=flowcontrol.check_schema_status),
    )


RESOURCE = Resource(
    of(FlowSchema),
    subresources=(STATUS,),
    table=Table(
        _cells,
        ("NAME", "PRIORITYLEVEL", "MATCHINGPRECEDENCE", "DISTINGUISHERMETHOD", "AGE", "MISSINGPL"),
        untold={"MATCHINGPRECEDENCE": int},
    ),
    load_strategy=_strategy,
)
