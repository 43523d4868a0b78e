"""The kind Deployment."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age, containers, selector
from podlab.api.kinds import of
from podlab.apps.v1 import deployment_pb2
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.kinds.defaults.pod import apply_to_spec
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import SCALE, STATUS
from podlab.meta.v1 import meta_pb2

_WORKLOAD_WIDE = ("CONTAINERS", "IMAGES", "SELECTOR")
_HISTORY_LIMIT = 10
_PROGRESS_DEADLINE_S = 600


def _cells(item: Deployment, now: datetime) -> Cells:
    return [
        item.metadata.name,
        f"{item.status.readyReplicas}/{item.spec.replicas}",
        str(item.status.updatedReplicas),
        str(item.status.availableReplicas),
        age(item, now),
        *containers(item.spec.template.spec),
        selector(item.spec.selector),
    ]


def _set_defaults(deployment: deployment_pb2.Deployment) -> None:
    spec = deployment.spec
    if not spec.HasField("replicas"):
        spec.replicas = 1
    if not spec.HasField("revisionHistoryLimit"):
        spec.revisionHistoryLimit = _HISTORY_LIMIT
    if not spec.HasField("progressDeadlineSeconds"):
        spec.progressDeadlineSeconds = _PROGRESS_DEADLINE_S
    spec.strategy.type = spec.strategy.type or "RollingUpdate"
    if spec.strategy.type == "RollingUpdate":
        rolling = spec.strategy.rollingUpdate
        for share in ("maxUnavailable", "maxSurge"):
            if not rolling.HasField(share):
                getattr(rolling, share).CopyFrom(meta_pb2.IntOrString(type=1, strVal="25%"))
    apply_to_spec(spec.template.spec)


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.workloads import deployments
    from podlab.kinds.warnings import moments

    return Strategy(
        counts_generations=True,
        fixed_marks=frozenset({"labels"}),
        set_defaults=_set_defaults,
        rules=Rules(deployments.check_deployment, deployments.check_deployment_update),
        warn=moments.of_template(),
    )


RESOURCE = Resource(
    of(Deployment),
    subresources=(
        SCALE,
        STATUS,
    ),
    table=Table(
        _cells,
        ("NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", *_WORKLOAD_WIDE),
        frozenset(_WORKLOAD_WIDE),
        untold={"UP-TO-DATE": int, "AVAILABLE": int},
    ),
    load_strategy=_strategy,
)
