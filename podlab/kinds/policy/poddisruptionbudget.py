"""The kind PodDisruptionBudget."""

from datetime import datetime
from typing import Any

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS
from podlab.meta.v1.meta_pb2 import IntOrString
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

_BUDGETS = "NAME|MIN AVAILABLE|MAX UNAVAILABLE|ALLOWED DISRUPTIONS|AGE"


def _cells(item: PodDisruptionBudget, now: datetime) -> Cells:
    bounds = (_bound(item.spec, "minAvailable"), _bound(item.spec, "maxUnavailable"))
    return [item.metadata.name, *bounds, str(item.status.disruptionsAllowed), age(item, now)]


def _bound(spec: Any, name: str) -> str:
    value: IntOrString = getattr(spec, name)
    if not spec.HasField(name):
        return "N/A"
    return value.strVal if value.type == 1 else str(value.intVal)


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.workloads import disruption

    return Strategy(
        counts_generations=True,
        rules=Rules(disruption.check_budget, status=disruption.check_budget_status),
    )


RESOURCE = Resource(
    of(PodDisruptionBudget),
    subresources=(STATUS,),
    table=Table(_cells, tuple(_BUDGETS.split("|")), types={"ALLOWED DISRUPTIONS": "integer"}),
    load_strategy=_strategy,
)
