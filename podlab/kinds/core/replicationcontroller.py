"""The kind ReplicationController."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age, containers, labels
from podlab.api.kinds import of
from podlab.core.v1 import replicationcontroller_pb2
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController
from podlab.kinds.defaults.pod import apply_to_spec
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import SCALE, STATUS

_WIDE = ("CONTAINERS", "IMAGES", "SELECTOR")


def _cells(item: ReplicationController, now: datetime) -> Cells:
    counts = (item.spec.replicas, item.status.replicas, item.status.readyReplicas)
    wide = (*containers(item.spec.template.spec), labels(item.spec.selector))
    return [item.metadata.name, *map(str, counts), age(item, now), *wide]


def _set_defaults(item: replicationcontroller_pb2.ReplicationController) -> None:
    """Selector and labels are those of the template."""
    spec = item.spec
    if not spec.HasField("replicas"):
        spec.replicas = 1
    if not spec.HasField("template"):
        return
    labels = spec.template.metadata.labels
    if not spec.selector:
        spec.selector.update(labels)
    if not item.metadata.labels:
        item.metadata.labels.update(labels)
    apply_to_spec(spec.template.spec)


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.workloads import sets
    from podlab.kinds.warnings import moments

    return Strategy(
        counts_generations=True,
        orphans=True,
        set_defaults=_set_defaults,
        rules=Rules(sets.check_replication_controller, status=sets.check_replica_counts),
        warn=moments.of_template(),
    )


RESOURCE = Resource(
    of(ReplicationController),
    subresources=(
        SCALE,
        STATUS,
    ),
    table=Table(
        _cells,
        ("NAME", "DESIRED", "CURRENT", "READY", "AGE", *_WIDE),
        frozenset(_WIDE),
        types={"DESIRED": "integer", "CURRENT": "integer", "READY": "integer"},
    ),
    selectable_fields=("status.replicas",),
    load_strategy=_strategy,
)
