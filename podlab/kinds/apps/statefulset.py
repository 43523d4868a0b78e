"""The kind StatefulSet."""

from collections.abc import Iterator
from datetime import datetime

from podlab.api.cells import Cells, Table, age, containers
from podlab.api.kinds import of
from podlab.apps.v1 import statefulset_pb2
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.kinds.defaults.pod import apply_to_spec
from podlab.kinds.defaults.storage import apply_to_claim_spec
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import SCALE, STATUS

_WIDE = ("CONTAINERS", "IMAGES", "SELECTOR")
_HISTORY_LIMIT = 10
_ROLLING = "RollingUpdate"
_RETAIN = "Retain"


def _cells(item: StatefulSet, now: datetime) -> Cells:
    ready = f"{item.status.readyReplicas}/{item.spec.replicas}"
    return [item.metadata.name, ready, age(item, now), *containers(item.spec.template.spec)]


def _set_defaults(item: statefulset_pb2.StatefulSet) -> None:
    """One pod after the other, and claims are kept."""
    spec = item.spec
    if not spec.HasField("replicas"):
        spec.replicas = 1
    if not spec.HasField("revisionHistoryLimit"):
        spec.revisionHistoryLimit = _HISTORY_LIMIT
    spec.podManagementPolicy = spec.podManagementPolicy or "OrderedReady"
    strategy = spec.updateStrategy
    if not strategy.type:
        strategy.type = _ROLLING
        strategy.rollingUpdate.SetInParent()
    rolls = strategy.type == _ROLLING and strategy.HasField("rollingUpdate")
    if rolls and not strategy.rollingUpdate.HasField("partition"):
        strategy.rollingUpdate.partition = 0
    retention = spec.persistentVolumeClaimRetentionPolicy
    retention.whenDeleted = retention.whenDeleted or _RETAIN
    retention.whenScaled = retention.whenScaled or _RETAIN
    for claim in spec.volumeClaimTemplates:
        apply_to_claim_spec(claim.spec)
        claim.status.phase = claim.status.phase or "Pending"
    apply_to_spec(spec.template.spec)


def _warnings(item: StatefulSet) -> Iterator[str]:
    from podlab.kinds.warnings import claims, pods

    yield from pods.of(item.spec.template, "spec.template")
    for index, template in enumerate(item.spec.volumeClaimTemplates):
        yield from claims.of_spec(f"spec.volumeClaimTemplates[{index}].spec", template.spec)
    if item.spec.revisionHistoryLimit < 0:
        yield (
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
        )


def _strategy() -> Strategy:
    from podlab.kinds.validation import syntax
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.workloads import sets
    from podlab.kinds.warnings import moments

    return Strategy(
        counts_generations=True,
        set_defaults=_set_defaults,
        rules=Rules(
            sets.check_stateful_set, sets.check_stateful_set_update, sets.check_stateful_set_status, name=syntax.label
        ),
        warn=moments.of_template(_warnings, named=False),
    )


RESOURCE = Resource(
    of(StatefulSet),
    subresources=(
        SCALE,
        STATUS,
    ),
    table=Table(_cells, ("NAME", "READY", "AGE", *_WIDE[:2]), frozenset(_WIDE)),
    load_strategy=_strategy,
)
