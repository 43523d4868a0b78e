"""The autoscaler: every 15 s it measures each workload that it is to scale, and gives it as many pods as it needs."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from master.controllers.framework.informers import Index, Informers, namespace
from master.controllers.framework.lastwrites import LastWrites
from master.controllers.framework.loop import Loop
from master.controllers.framework.scalable import scalable
from master.controllers.objects.events import ObjectEvent
from master.controllers.workloads.horizontalpodautoscaler.behavior import ScalingHistory
from master.controllers.workloads.horizontalpodautoscaler.decide import (
    AutoscalerPlan,
    decide,
    rescaled,
    set_condition,
    target_not_found,
)
from master.controllers.workloads.horizontalpodautoscaler.metrics import WorkloadLoad
from podlab.api.kinds import referenced
from podlab.api.objects import Key, key
from podlab.api.selection import selectors
from podlab.autoscaling.v2.horizontalpodautoscaler_pb2 import HorizontalPodAutoscaler
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change, Informer
from podlab.errors import ApiError, NotFound
from podlab.kinds.scaling import Replicas, Scaling

log = logging.getLogger(__name__)

# Kubelets measure as often; a figure is never older than two rounds.
PERIOD_S = 15.0


@dataclass(frozen=True, slots=True)
class ScaleTarget:
    """What is scaled, and where its kind keeps the number."""

    object: Message
    scaling: Scaling

    @property
    def replicas(self) -> Replicas:
        """As the object says now. Raises InternalError where it says nothing."""
        return self.scaling.replicas(self.object)


class HorizontalPodAutoscalerController:
    """Keys are autoscalers'. What they recommended lately is kept in memory: a restart only delays scaling down."""

    name: Final = "horizontalpodautoscaler"

    def __init__(
        self, client: Client, informers: Informers, recorder: EventRecorder, *, period_s: float = PERIOD_S
    ) -> None:
        self._client = client
        self._informers = informers
        self._recorder = recorder
        self._period_s = period_s
        self._autoscalers: Informer[HorizontalPodAutoscaler] = informers.of(HorizontalPodAutoscaler)
        self._by_namespace = Index(self._autoscalers, namespace)
        self._last_writes = LastWrites(self._autoscalers)
        self._catalog = informers.catalog
        self._history: dict[str, ScalingHistory] = {}
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._autoscalers.on_change(self._changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        autoscaler = self._autoscalers.store.get(at)
        if autoscaler is None or autoscaler.metadata.HasField("deletionTimestamp"):
            return
        self._loop.queue.add_after(at, self._period_s)
        if not self._last_writes.is_current(autoscaler):
            return
        try:
            target = await self._target(autoscaler)
        except NotFound as error:
            await self._write_status(autoscaler, target_not_found(autoscaler, error.message, time.time()))
            return
        load = await self._load(autoscaler, target)
        history = self._history.get(autoscaler.metadata.uid, ScalingHistory())
        plan = decide(autoscaler, load, history)
        if plan.replicas is not None:
            plan = await self._rescaled(autoscaler, target, plan)
        self._history[autoscaler.metadata.uid] = plan.history
        await self._write_status(autoscaler, plan)

    async def _target(self, autoscaler: HorizontalPodAutoscaler) -> ScaleTarget:
        """As the API server has it now: to scale by what was is to undo what others did. Raises NotFound."""
        reference, within = autoscaler.spec.scaleTargetRef, autoscaler.metadata.namespace
        catalog = self._catalog.catalog
        kind = catalog.find(*referenced(reference.apiVersion, reference.kind))
        if kind is None or not catalog.is_scalable(kind.group_kind):
            raise NotFound(f'no kind "{reference.kind}" with a scale; there are {", ".join(scalable(catalog))}')
        found: Message = await self._client.get(kind, reference.name, within)
        return ScaleTarget(found, catalog.resource(kind).scaling)

    async def _load(self, autoscaler: HorizontalPodAutoscaler, target: ScaleTarget) -> WorkloadLoad:
        within, scale = autoscaler.metadata.namespace, target.replicas
        selector = selectors.parse_labels(scale.selector)
        found = self._informers.pods_by_namespace.get(within)
        # Without a selector nothing is known of its pods: an empty one would take all of the namespace.
        pods = [pod for pod in found if scale.selector and selector.matches(pod.metadata.labels)]
        measured = await self._client.pod_metrics(within, label_selector=str(selector)) if pods else ()
        rivals = self._rivals(autoscaler)
        return WorkloadLoad(pods, measured, scale.wanted, time.time(), within, str(selector), rivals)

    def _rivals(self, autoscaler: HorizontalPodAutoscaler) -> list[str]:
        """All that scale the same workload; none where it is this one alone."""
        aim, within = autoscaler.spec.scaleTargetRef, autoscaler.metadata.namespace
        found = [
            f"{within}/{one.metadata.name}"
            for one in self._by_namespace.get(within)
            if (one.spec.scaleTargetRef.kind, one.spec.scaleTargetRef.name) == (aim.kind, aim.name)
        ]
        return sorted(found) if len(found) > 1 else []

    async def _rescaled(
        self, autoscaler: HorizontalPodAutoscaler, target: ScaleTarget, plan: AutoscalerPlan
    ) -> AutoscalerPlan:
        before = target.replicas.wanted
        assert plan.replicas is not None
        target.scaling.set_replicas(target.object, plan.replicas)
        try:
            await self._client.update(target.object)
        except ApiError as error:
            why = f"the HPA controller was unable to update the target scale: {error}"
            set_condition(plan.status, "AbleToScale", "False", "FailedUpdateScale", why, time.time())
            plan.status.desiredReplicas = before
            said = f"New size: {plan.replicas}; reason: {plan.reason}; error: {error}"
            return AutoscalerPlan(
                plan.status, plan.history, events=[*plan.events, ObjectEvent("Warning", "FailedRescale", said)]
            )
        log.info(
            "%s: %s has %d replicas, was %d: %s",
            key(autoscaler),
            key(target.object),
            plan.replicas,
            before,
            plan.reason,
        )
        return rescaled(plan, before, time.time())

    async def _write_status(self, autoscaler: HorizontalPodAutoscaler, plan: AutoscalerPlan) -> None:
        for event in plan.events:
            self._recorder.event(autoscaler, *event)
        if plan.status == autoscaler.status:
            return
        changed = HorizontalPodAutoscaler()
        changed.CopyFrom(autoscaler)
        changed.status.CopyFrom(plan.status)
        self._last_writes.note(await self._client.update_status(changed))

    def _changed(self, change: Change[HorizontalPodAutoscaler]) -> None:
        """What is wanted counts at once; the status is our own."""
        old, new = change.old, change.new
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._history.pop(old.metadata.uid, None)
        if new is not None and (old is None or new.metadata.generation != old.metadata.generation):
            self._loop.queue.add(change.key)
