"""The kind ReplicaSet."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age, containers, selector
from podlab.api.kinds import of
from podlab.apps.v1 import replicaset_pb2
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.kinds.defaults.pod import apply_to_spec
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import SCALE, STATUS

_WORKLOAD_WIDE = ("CONTAINERS", "IMAGES", "SELECTOR")


def _cells(item: ReplicaSet, now: datetime) -> Cells:
    counts = (item.spec.replicas, item.status.replicas, item.status.readyReplicas)
    return [
        item.metadata.name,
        *map(str, counts),
        age(item, now),
        *containers(item.spec.template.spec),
        selector(item.spec.selector),
    ]


def _set_defaults(replica_set: replicaset_pb2.ReplicaSet) -> None:
    if not replica_set.spec.HasField("replicas"):
        replica_set.spec.replicas = 1
    apply_to_spec(replica_set.spec.template.spec)


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.workloads import deployments
    from podlab.kinds.warnings import moments

    return Strategy(
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(deployments.check_replica_set, deployments.check_replica_set_update),
        warn=moments.of_template(),
    )


RESOURCE = Resource(
    of(ReplicaSet),
    subresources=(
        SCALE,
        STATUS,
    ),
    table=Table(
        _cells,
        ("NAME", "DESIRED", "CURRENT", "READY", "AGE", *_WORKLOAD_WIDE),
        frozenset(_WORKLOAD_WIDE),
        types={"DESIRED": "integer", "CURRENT": "integer", "READY": "integer"},
    ),
    selectable_fields=("status.replicas",),
    load_strategy=_strategy,
)
