"""Remembers the last decision about each pod, bounded, and tells it node by node and plugin by plugin."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from master.scheduler.schedule import Decision
from podlab.api.objects import Key
from podlab.meta.v1.meta_pb2 import Time
from podlab.v1 import scheduler_pb2

# A row, that is one node of one decision, takes some 70 bytes.
ROWS_REMEMBERED = 1_000_000
PODS_REMEMBERED = 2000


@dataclass(frozen=True)
class Remembered:
    """A decision with when, about which pod (uid), at which attempt, and how long it took."""

    decision: Decision
    uid: str
    time: Time
    attempts: int
    duration_us: int


class Decisions:
    """The last decision about each pod that was judged, as far back as PODS_REMEMBERED and ROWS_REMEMBERED let it."""

    def __init__(self) -> None:
        self._made: OrderedDict[Key, Remembered] = OrderedDict()
        self._rows = 0

    def remember(self, key: Key, made: Remembered) -> None:
        before = self._made.pop(key, None)
        if before is not None:
            self._rows -= len(before.decision.rows)
        self._made[key] = made
        self._rows += len(made.decision.rows)
        while len(self._made) > 1 and (len(self._made) > PODS_REMEMBERED or self._rows > ROWS_REMEMBERED):
            _, oldest = self._made.popitem(last=False)
            self._rows -= len(oldest.decision.rows)

    def explain(self, key: Key) -> scheduler_pb2.ExplainResponse | None:
        """The last decision about the pod as a table; None when none is remembered."""
        made = self._made.get(key)
        if made is None:
            return None
        decision = made.decision
        return scheduler_pb2.ExplainResponse(
            namespace=key.namespace,
            name=key.name,
            uid=made.uid,
            decided_at=made.time,
            node_name=decision.node_name,
            message=decision.message,
            attempts=made.attempts,
            duration_us=made.duration_us,
            nodes=[_verdict(decision, int(row)) for row in decision.rows],
        )


def _verdict(decision: Decision, row: int) -> scheduler_pb2.NodeVerdict:
    verdict = scheduler_pb2.NodeVerdict(node_name=decision.names[row])
    refused_by = int(decision.refused.by[row])
    for index, plugin in decision.profile.in_order:
        passed = index != refused_by
        reason = "" if passed else ", ".join(decision.reasons(row))
        verdict.filters.add(plugin=plugin.name, passed=passed, reason=reason)
        if not passed:
            return verdict
    verdict.total = int(decision.totals[row])
    given = {each.plugin: int(each.normalized[row]) for each in decision.given}
    for weighted in decision.profile.scores:
        name = weighted.plugin.name
        verdict.scores.add(plugin=name, weight=weighted.weight, score=given.get(name, 0))
    return verdict
