"""Makes decisions: by the pod's profile, with room kept for nominated pods, and preemption where no node fits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace

from master.scheduler.algorithm.filter_cache import Verdicts
from master.scheduler.algorithm.schedule_pod import Decision, schedule
from master.scheduler.cache.pod_info import PodInfo, pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.profile import Profile
from master.scheduler.cycle.explanation import Made
from master.scheduler.plugins.protocol import Follows
from master.scheduler.preemption.disruption_budgets import Budgets
from master.scheduler.preemption.evaluator import Preemption, Preemptor
from master.scheduler.preemption.nominated_neighbours import may_draw
from master.scheduler.preemption.nominated_pods import Nominations
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest
from podlab.meta.v1.meta_pb2 import Time

# Shapes of pods that fit nowhere: while nothing happens, each of them is told what the one before was.
VAIN_REMEMBERED = 64


@dataclass(frozen=True)
class _Outcome:
    """`takes_nomination`: room was being made for the pod there."""

    decision: Decision
    preemption: Preemption | None = None
    takes_nomination: bool = False


class Decider:
    """Reads the snapshot, and leaves it as it was. `profiles` are by scheduler name; `clock` measures in seconds."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        snapshot: Snapshot,
        nominations: Nominations,
        budgets: Callable[[], Budgets],
        *,
        clock: Callable[[], float],
        now: Callable[[], Time],
    ) -> None:
        self._profiles = profiles
        self._snapshot = snapshot
        self._nominations = nominations
        self._budgets = budgets
        self._clock = clock
        self._now = now
        self._verdicts = Verdicts()
        self._preemptor = Preemptor()
        self._vain: OrderedDict[Hashable, tuple[Hashable, _Outcome]] = OrderedDict()

    def shape(self, info: PodInfo) -> Hashable:
        """Equal for pods of which any verdict is true of all."""
        spec = info.pod.spec
        return spec.schedulerName, info.shape, spec.priority, spec.preemptionPolicy

    def decide(self, info: PodInfo, attempts: int) -> Made:
        """Where the pod goes now, and if nowhere, who could make room for it."""
        began = self._clock()
        nominated = self._nominations.node_of(info.uid)
        self._nominations.arrange_for(info)
        outcome = self._known(info) if self._vain and not nominated else None
        if outcome is None:
            outcome = self._outcome(info, nominated)
        duration_us = round((self._clock() - began) * 1e6)
        return Made(
            pod=info.pod,
            decision=outcome.decision,
            preemption=outcome.preemption,
            time=self._now(),
            attempts=attempts,
            duration_us=duration_us,
            nominated=outcome.takes_nomination,
        )

    def foresee(self, pod: Pod) -> Made:
        """What would be decided about the pod now if it had no node. Raises BadRequest when it is not ours."""
        name = pod.spec.schedulerName
        if name not in self._profiles:
            raise BadRequest(f'pod "{pod.metadata.name}" names the scheduler "{name}": no profile here has that name')
        homeless = Pod()
        homeless.CopyFrom(pod)
        homeless.spec.nodeName = ""
        info = pod_info(homeless)
        home = self._snapshot.home(info.uid)
        self._snapshot.remove_pod(info.uid)
        try:
            return replace(self.decide(info, 0), recomputed=True)
        finally:
            if home:
                self._snapshot.place(pod_info(pod), home)

    def _known(self, info: PodInfo) -> _Outcome | None:
        """What the last pod of the shape was told, if it still holds."""
        basis, outcome = self._vain.get(self.shape(info), (None, None))
        return outcome if basis == self._basis() else None

    def _outcome(self, info: PodInfo, nominated: str) -> _Outcome:
        profile = self._profiles[info.pod.spec.schedulerName]
        decision = self._decision(info, profile)
        if nominated and _fits(decision, self._snapshot.row(nominated)):
            return _Outcome(replace(decision, node_name=nominated), takes_nomination=True)
        if decision.node_name:
            return _Outcome(decision)
        shape, preemption = self.shape(info), None
        if profile.preemption is not None:
            preemption = self._preemptor.preempt(
                info, self._snapshot, decision, self._budgets(), profile.preemption, shape=shape, nominated=nominated
            )
        outcome = _Outcome(decision, preemption)
        if not nominated and (preemption is None or preemption.chosen is None) and _is_of_shape(decision):
            self._vain[shape] = self._basis(), outcome
            if len(self._vain) > VAIN_REMEMBERED:
                self._vain.popitem(last=False)
        return outcome

    def _decision(self, info: PodInfo, profile: Profile) -> Decision:
        """As Kubernetes does, a node has to suit the pod with those that are nominated, and without them where they may
        draw it: they may never come."""
        decision = schedule(info, self._snapshot, profile, self._verdicts)
        if not may_draw(self._nominations.standing, info, self._snapshot):
            return decision
        with self._nominations.left_out():
            return schedule(info, self._snapshot, profile, self._verdicts, besides=decision.refused)

    def _basis(self) -> Hashable:
        """While it is equal, nothing has happened to nodes, pods and budgets."""
        return self._snapshot.epoch, self._snapshot.changes, self._budgets()


def _fits(decision: Decision, row: int | None) -> bool:
    return row is not None and bool(decision.totals[row] >= 0)


def _is_of_shape(decision: Decision) -> bool:
    """Whether all pods of the shape meet the same refusals: no plugin had a part in it that may look further."""
    filters = decision.profile.filters
    return not any(filters[index].follows is Follows.CLUSTER for index in decision.refused.told)
