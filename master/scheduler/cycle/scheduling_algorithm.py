"""Decides about one pod: by its profile, with nominated pods, and with preemption when no node fits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import ScheduleResult, schedule_pod
from master.scheduler.cache.pod_info import PodInfo, pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.profile import Profile
from master.scheduler.cycle.decision import Decision
from master.scheduler.plugins.dynamic_resources import Deallocation
from master.scheduler.plugins.protocol import Follows, PluginError
from master.scheduler.preemption.disruption_budgets import DisruptionBudgets
from master.scheduler.preemption.evaluator import Evaluator, PreemptionResult
from master.scheduler.preemption.nominated_neighbours import may_depend_on
from master.scheduler.preemption.nominated_pods import NominatedPods
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest
from podlab.meta.v1.meta_pb2 import Time

# Shapes of pods that fit on no node: until something changes, pods of the shape get the same outcome at once.
FAILURES_REMEMBERED = 64


@dataclass(frozen=True)
class _Outcome:
    result: ScheduleResult
    preemption: PreemptionResult | None = None
    used_nomination: bool = False
    deallocation: Deallocation | None = None


class SchedulingAlgorithm:
    """Reads the snapshot, and leaves it as it was. `profiles` are by scheduler name; `clock` measures in seconds."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        snapshot: Snapshot,
        nominated_pods: NominatedPods,
        budgets: Callable[[], DisruptionBudgets],
        *,
        clock: Callable[[], float],
        now: Callable[[], Time],
    ) -> None:
        self._profiles = profiles
        self._snapshot = snapshot
        self._nominated_pods = nominated_pods
        self._budgets = budgets
        self._clock = clock
        self._now = now
        self._cache = FilterCache()
        self._evaluator = Evaluator()
        self._failures: OrderedDict[Hashable, tuple[Hashable, _Outcome]] = OrderedDict()

    def shape(self, info: PodInfo) -> Hashable:
        """Equal for pods that get equal results."""
        spec = info.pod.spec
        return spec.schedulerName, info.shape, spec.priority, spec.preemptionPolicy, info.own_claims and info.uid

    def schedule(self, info: PodInfo, attempts: int) -> Decision:
        """The node of the pod, or the pods that could make room for it. Raises PluginError."""
        began = self._clock()
        nominated_node = self._nominated_pods.node_of(info.uid)
        self._nominated_pods.prepare_snapshot_for(info)
        outcome = self._known_failure(info) if self._failures and not nominated_node else None
        if outcome is None:
            outcome = self._outcome(info, nominated_node)
        duration_us = round((self._clock() - began) * 1e6)
        return Decision(
            pod=info.pod,
            result=outcome.result,
            preemption=outcome.preemption,
            time=self._now(),
            attempts=attempts,
            duration_us=duration_us,
            used_nomination=outcome.used_nomination,
            deallocation=outcome.deallocation,
        )

    def foresee(self, pod: Pod) -> Decision:
        """The decision about the pod if it had no node now.

        Raises BadRequest when another scheduler is to place it, or it is such that no node can be judged.
        """
        name = pod.spec.schedulerName
        if name not in self._profiles:
            raise BadRequest(f'pod "{pod.metadata.name}" names the scheduler "{name}": no profile here has that name')
        unassigned = Pod()
        unassigned.CopyFrom(pod)
        unassigned.spec.nodeName = ""
        info = pod_info(unassigned)
        node_name = self._snapshot.node_of(info.uid)
        self._snapshot.remove_pod(info.uid)
        try:
            return replace(self.schedule(info, 0), recomputed=True)
        except PluginError as error:
            raise BadRequest(str(error)) from error
        finally:
            if node_name:
                self._snapshot.add_pod(pod_info(pod), node_name)

    def _known_failure(self, info: PodInfo) -> _Outcome | None:
        """The outcome of the last pod of the shape that fit on no node; None when something has changed since."""
        basis, outcome = self._failures.get(self.shape(info), (None, None))
        return outcome if basis == self._basis() else None

    def _outcome(self, info: PodInfo, nominated_node: str) -> _Outcome:
        profile = self._profiles[info.pod.spec.schedulerName]
        result = self._result(info, profile)
        if nominated_node and _fits_on(self._snapshot.row(nominated_node), result):
            return _Outcome(replace(result, node_name=nominated_node), used_nomination=True)
        if result.node_name:
            return _Outcome(result)
        shape, preemption, deallocation = self.shape(info), None, None
        if profile.devices is not None and profile.gives_up_claims and self._snapshot.count:
            deallocation = profile.devices.deallocation(info, self._snapshot)
        if profile.preemption is not None:
            preemption = self._evaluator.preempt(
                info,
                self._snapshot,
                result,
                self._budgets(),
                profile.preemption,
                shape=shape,
                nominated_node=nominated_node,
            )
        outcome = _Outcome(result, preemption, deallocation=deallocation)
        has_victims = preemption is not None and preemption.chosen is not None
        if not nominated_node and not has_victims and _holds_for_shape(result):
            self._failures[shape] = self._basis(), outcome
            if len(self._failures) > FAILURES_REMEMBERED:
                self._failures.popitem(last=False)
        return outcome

    def _result(self, info: PodInfo, profile: Profile) -> ScheduleResult:
        """The node has to fit with nominated pods, and also without them where the pod may depend on them.

        So does Kubernetes, since nominated pods may never come.
        """
        result = schedule_pod(info, self._snapshot, profile, self._cache)
        if not may_depend_on(self._nominated_pods.in_snapshot, info, self._snapshot):
            return result
        with self._nominated_pods.outside_snapshot():
            return schedule_pod(info, self._snapshot, profile, self._cache, also_refused=result.statuses)

    def _basis(self) -> Hashable:
        """Equal while no node, pod or budget has changed."""
        return self._snapshot.epoch, self._snapshot.changes, self._budgets()


def _fits_on(row: int | None, result: ScheduleResult) -> bool:
    return row is not None and bool(result.totals[row] >= 0)


def _holds_for_shape(result: ScheduleResult) -> bool:
    """Whether all pods of the shape are refused alike: no filter took part that may look at more than the shape."""
    filters = result.profile.filters
    return not any(filters[index].follows is Follows.CLUSTER for index in result.statuses.refusals)
