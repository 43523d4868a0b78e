"""What the scheduling cycle decided about a pod."""

from __future__ import annotations

from dataclasses import dataclass

from master.scheduler.algorithm.schedule_pod import ScheduleResult
from master.scheduler.plugins.dynamic_resources import Deallocation
from master.scheduler.preemption.evaluator import PreemptionResult
from podlab.core.v1.pod_pb2 import Pod
from podlab.meta.v1.meta_pb2 import Time


@dataclass(frozen=True)
class Decision:
    """A result, when and at which attempt it was made, how long that took, and the preemption if one was tried.

    `deallocation` is what a pod that found no node gives up of its ResourceClaims.

    `used_nomination`: the pod went to the node it was nominated to. `recomputed`: the decision was made to answer a
    question, and is not what the cycle decided.
    """

    pod: Pod
    result: ScheduleResult
    preemption: PreemptionResult | None
    time: Time
    attempts: int
    duration_us: int
    used_nomination: bool = False
    recomputed: bool = False
    deallocation: Deallocation | None = None

    @property
    def failure_message(self) -> str:
        """Why the pod has no node, as its condition and Event say; empty when it has one."""
        if self.preemption is not None and self.preemption.chosen is not None:
            return self.result.message
        tried = (self.deallocation, self.preemption)
        after = ", ".join(each.message for each in tried if each is not None and each.message)
        return " ".join(part for part in (self.result.message, after) if part)

    @property
    def nbytes(self) -> int:
        """The memory of the arrays that are not shared with other decisions: statuses, codes, totals and scores."""
        result = self.result
        return result.statuses.filters.nbytes + result.totals.nbytes * (2 + 2 * len(result.scores))
