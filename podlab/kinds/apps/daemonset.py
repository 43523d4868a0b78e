"""The kind DaemonSet."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age, containers, labels, selector
from podlab.api.kinds import of
from podlab.apps.v1 import daemonset_pb2
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.kinds.defaults.pod import apply_to_spec
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS
from podlab.meta.v1 import meta_pb2

_WIDE = ("CONTAINERS", "IMAGES", "SELECTOR")
_DAEMONS = "NAME|DESIRED|CURRENT|READY|UP-TO-DATE|AVAILABLE|NODE SELECTOR|AGE"
_HISTORY_LIMIT = 10
_ROLLING = "RollingUpdate"


def _cells(item: DaemonSet, now: datetime) -> Cells:
    status = item.status
    counts = (
        status.desiredNumberScheduled, status.currentNumberScheduled, status.numberReady,
        status.updatedNumberScheduled, status.numberAvailable,
    )  # fmt: skip
    template = item.spec.template.spec
    wide = (*containers(template), selector(item.spec.selector))
    return [item.metadata.name, *map(str, counts), labels(template.nodeSelector), age(item, now), *wide]


def _set_defaults(item: daemonset_pb2.DaemonSet) -> None:
    """One node after the other."""
    spec = item.spec
    if not spec.HasField("revisionHistoryLimit"):
        spec.revisionHistoryLimit = _HISTORY_LIMIT
    strategy = spec.updateStrategy
    strategy.type = strategy.type or _ROLLING
    if strategy.type == _ROLLING:
        if not strategy.rollingUpdate.HasField("maxUnavailable"):
            strategy.rollingUpdate.maxUnavailable.CopyFrom(meta_pb2.IntOrString(intVal=1))
        if not strategy.rollingUpdate.HasField("maxSurge"):
            strategy.rollingUpdate.maxSurge.CopyFrom(meta_pb2.IntOrString(intVal=0))
    apply_to_spec(spec.template.spec)


def _strategy() -> Strategy:
    from podlab.kinds.strategies import daemonsets
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.workloads import sets
    from podlab.kinds.warnings import moments

    return Strategy(
        prepare_for_create=daemonsets.begin,
        prepare_for_update=daemonsets.count,
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(sets.check_daemon_set, sets.check_daemon_set_update, sets.check_daemon_set_status),
        warn=moments.of_template(named=False),
    )


RESOURCE = Resource(
    of(DaemonSet),
    subresources=(STATUS,),
    table=Table(
        _cells,
        (*_DAEMONS.split("|"), *_WIDE),
        frozenset(_WIDE),
        types={
            "DESIRED": "integer",
            "CURRENT": "integer",
            "READY": "integer",
            "UP-TO-DATE": "integer",
            "AVAILABLE": "integer",
        },
    ),
    load_strategy=_strategy,
)
