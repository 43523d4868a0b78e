"""Makes decisions: by the pod's profile, with room kept for nominated pods, and preemption where no node fits."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace

from master.scheduler.budgets import Budgets
from master.scheduler.explaining import Made
from master.scheduler.nominations import Nominations
from master.scheduler.podinfo import PodInfo, pod_info
from master.scheduler.preemption import Preemptor
from master.scheduler.profile import Profile
from master.scheduler.schedule import Decision, schedule
from master.scheduler.snapshot import Snapshot
from master.scheduler.verdicts import Verdicts
from podlab.api import times
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest


class Decider:
    """Reads the snapshot, and leaves it as it was. `profiles` are by scheduler name."""

    def __init__(
        self,
        profiles: Mapping[str, Profile],
        snapshot: Snapshot,
        nominations: Nominations,
        budgets: Callable[[], Budgets],
    ) -> None:
        self._profiles = profiles
        self._snapshot = snapshot
        self._nominations = nominations
        self._budgets = budgets
        self._verdicts = Verdicts()
        self._preemptor = Preemptor()

    def shape(self, info: PodInfo) -> Hashable:
        """Equal for pods of which any verdict is true of all."""
        spec = info.pod.spec
        return spec.schedulerName, info.shape, spec.priority, spec.preemptionPolicy

    def decide(self, info: PodInfo, attempts: int) -> Made:
        """Where the pod goes now, and if nowhere, who could make room for it."""
        began = time.perf_counter()
        profile = self._profiles[info.pod.spec.schedulerName]
        nominated = self._nominations.node_of(info.uid)
        self._nominations.arrange_for(info)
        decision = schedule(info, self._snapshot, profile, self._verdicts)
        fits_there = bool(nominated) and _fits(decision, self._snapshot.row(nominated))
        if fits_there:
            decision = replace(decision, node_name=nominated)
        preemption = None
        if not decision.node_name and profile.preempts:
            preemption = self._preemptor.preempt(
                info, self._snapshot, decision, self._budgets(), shape=self.shape(info), nominated=nominated
            )
        duration_us = round((time.perf_counter() - began) * 1e6)
        return Made(info.pod, decision, preemption, times.now(), attempts, duration_us, nominated=fits_there)

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


def _fits(decision: Decision, row: int | None) -> bool:
    return row is not None and bool(decision.totals[row] >= 0)
