"""The disruption controller: counts a budget's pods whenever one of them changes, and says how many may go."""

from __future__ import annotations

import logging
import time
from typing import Final

from master.controllers.framework.informers import Index, Informers, namespace
from master.controllers.framework.lastwrites import LastWrites
from master.controllers.framework.loop import Loop
from master.controllers.workloads.disruption.decide import DisruptionPlan, decide
from master.controllers.workloads.disruption.scales import of_pod
from podlab.api.budgets import protects
from podlab.api.objects import Key, key
from podlab.api.selection import selectors
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change, Informer
from podlab.core.v1 import pod_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

log = logging.getLogger(__name__)

_UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. As a result, the"
    " status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these"
    ' pods please set ".spec.minAvailable" field of the PDB to an integer value.'
)


class DisruptionController:
    """Keys are PodDisruptionBudgets'. The apiserver charges evictions to their status: a stale write is a Conflict."""

    name: Final = "disruption"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._informers = informers
        self._recorder = recorder
        self._budgets: Informer[PodDisruptionBudget] = informers.of(PodDisruptionBudget)
        self._by_namespace = Index(self._budgets, namespace)
        self._last_writes = LastWrites(self._budgets)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._budgets.on_change(lambda change: self._loop.queue.add(change.key))
        informers.pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        budget = self._budgets.store.get(at)
        if budget is None or budget.metadata.HasField("deletionTimestamp") or not self._last_writes.is_current(budget):
            return
        pods = [pod for pod in self._informers.pods_by_namespace.get(at.namespace) if protects(budget, pod)]
        found = {pod.metadata.uid: of_pod(self._informers, pod) for pod in pods}
        plan = decide(budget, pods, found, time.time())
        if plan.wait_s is not None:
            self._loop.queue.add_after(at, plan.wait_s)
        if plan.status != budget.status:
            await self._write(budget, plan)
            self._record_event(budget, pods, plan)

    async def _write(self, budget: PodDisruptionBudget, plan: DisruptionPlan) -> None:
        changed = PodDisruptionBudget()
        changed.CopyFrom(budget)
        changed.status.CopyFrom(plan.status)
        self._last_writes.note(await self._client.update_status(changed))
        log.info("%s: %d pods may go", key(budget), plan.status.disruptionsAllowed)

    def _record_event(self, budget: PodDisruptionBudget, pods: list[pod_pb2.Pod], plan: DisruptionPlan) -> None:
        metadata = budget.metadata
        if not pods:
            self._recorder.event(budget, "Normal", "NoPods", "No matching pods found")
        if plan.failure:
            message = f"Failed to calculate the number of expected pods: {plan.failure}"
            self._recorder.event(budget, "Warning", "CalculateExpectedPodCountFailed", message)
        if plan.unmanaged:
            selector = selectors.from_message(budget.spec.selector)
            self._recorder.event(budget, "Warning", "UnmanagedPods", _UNMANAGED.format(selector=selector))
        for pod in plan.kept:
            message = f"Pod was expected by PDB {metadata.namespace}/{metadata.name} to be deleted but it wasn't"
            self._recorder.event(pod, "Warning", "NotDeleted", message)

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        for budget in self._by_namespace.get(change.key.namespace):
            if any(pod is not None and protects(budget, pod) for pod in (change.old, change.new)):
                self._loop.queue.add(key(budget))
