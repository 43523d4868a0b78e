"""The StatefulSet controller: keeps revisions and claims, asks `decide`, creates and deletes pods, tells what is."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.framework.podcontrol import PodControl, PodEventMessages
from master.controllers.objects.podstate import is_active, next_availability_s, replacement_delay_s
from master.controllers.workloads.controllerrevisions.decide import HASH_LABEL
from master.controllers.workloads.controllerrevisions.history import KnownRevisions, RevisionHistory
from master.controllers.workloads.statefulset.decide import RolloutRevisions, StatefulSetPlan, decide
from master.controllers.workloads.statefulset.identity import is_member, ordinal_of, with_identity
from master.controllers.workloads.statefulset.podclaims import PodClaims
from master.controllers.workloads.statefulset.status import with_status
from podlab.api.objects import Key, key
from podlab.apps.v1 import statefulset_pb2
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.core.v1 import pod_pb2, volume_pb2
from podlab.errors import ApiError, Conflict

log = logging.getLogger(__name__)

WORDS = PodEventMessages(
    created="create Pod {pod} in StatefulSet {owner} successful",
    create_failed="create Pod {pod} in StatefulSet {owner} failed error: {error}",
    deleted="delete Pod {pod} in StatefulSet {owner} successful",
    delete_failed="delete Pod {pod} in StatefulSet {owner} failed error: {error}",
)


class StatefulSetController:
    """Keys are StatefulSets'."""

    name: Final = "statefulset"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._informers = informers
        self._recorder = recorder
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        kind, queue = statefulset_pb2.StatefulSet, self._loop.queue
        self._pods = PodControl(kind, client, informers, recorder, queue, words=WORDS, is_member=is_member)
        self._history = RevisionHistory(kind, client, informers, queue)
        self._claims = PodClaims(client, informers, recorder)
        informers.of(volume_pb2.PersistentVolumeClaim).on_change(self._claim_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        stateful_set = self._informers.stateful_sets.store.get(at)
        if stateful_set is None or stateful_set.metadata.HasField("deletionTimestamp"):
            return
        settled = await self._pods.settled(stateful_set)
        pods = await self._pods.pods_of(stateful_set)
        known = await self._history.known(stateful_set)
        revisions = _revisions(stateful_set, known)
        error = None
        if settled:
            error = await self._manage(stateful_set, revisions, pods)
        stateful_set = await self._write_status(stateful_set, revisions, pods, known.collisions)
        in_use = {stateful_set.status.currentRevision, *(pod.metadata.labels.get(HASH_LABEL, "") for pod in pods)}
        await self._history.prune(stateful_set, known, in_use)
        if error is not None:
            raise error

    async def _manage(
        self, stateful_set: statefulset_pb2.StatefulSet, revisions: RolloutRevisions, pods: Sequence[pod_pb2.Pod]
    ) -> ApiError | None:
        def blocked(pod: str) -> bool:
            return self._claims.blocked(stateful_set, pod)

        now = time.time()
        plan = decide(stateful_set, revisions, pods, blocked=blocked, now=now)
        if held_s := max((replacement_delay_s(pod, now) for pod in pods), default=0.0):
            self._loop.queue.add_after(key(stateful_set), held_s)
        try:
            await self._identify(stateful_set, pods)
            # Claims before pods: those of a pod that goes must know by then whether they go with it.
            await self._claims.retain(stateful_set, pods)
            waiting = [pod for pod in pods if pod.status.phase == "Pending"]
            for pod in (*waiting, *plan.create):
                await self._claims.make(stateful_set, pod.metadata.name)
            await self._carry_out(stateful_set, plan)
        except ApiError as error:
            return error
        return None

    async def _identify(self, stateful_set: statefulset_pb2.StatefulSet, pods: Sequence[pod_pb2.Pod]) -> None:
        for pod in pods:
            wanted = with_identity(pod) if is_active(pod) else None
            if wanted is None:
                continue
            what = f"update Pod {pod.metadata.name} in StatefulSet {stateful_set.metadata.name}"
            try:
                await self._client.update(wanted)
            except ApiError as error:
                if not isinstance(error, Conflict):
                    self._recorder.event(stateful_set, "Warning", "FailedUpdate", f"{what} failed error: {error}")
                raise
            log.info("%s: %s has the labels of its identity now", key(stateful_set), key(pod))
            self._recorder.event(stateful_set, "Normal", "SuccessfulUpdate", f"{what} successful")

    async def _carry_out(self, stateful_set: statefulset_pb2.StatefulSet, plan: StatefulSetPlan) -> None:
        where = f"StatefulSet {stateful_set.metadata.namespace}/{stateful_set.metadata.name}"
        for pod in plan.ended:
            failed = pod.status.phase == "Failed"
            event_type, reason = ("Warning", "RecreatingFailedPod") if failed else ("Normal", "RecreatingTerminatedPod")
            message = f"{where} is recreating {'failed' if failed else 'terminated'} Pod {pod.metadata.name}"
            self._recorder.event(stateful_set, event_type, reason, message)
        await self._pods.create(stateful_set, plan.create)
        await self._pods.delete(stateful_set, plan.delete)

    async def _write_status(
        self,
        stateful_set: statefulset_pb2.StatefulSet,
        revisions: RolloutRevisions,
        pods: Sequence[pod_pb2.Pod],
        collisions: int,
    ) -> statefulset_pb2.StatefulSet:
        now = time.time()
        wait_s = next_availability_s(pods, stateful_set.spec.minReadySeconds, now)
        if wait_s is not None:
            self._loop.queue.add_after(key(stateful_set), wait_s)
        updated = with_status(stateful_set, revisions, pods, collisions=collisions, now=now)
        return stateful_set if updated.status == stateful_set.status else await self._client.update_status(updated)

    def _claim_changed(self, change: Change[volume_pb2.PersistentVolumeClaim]) -> None:
        """A claim that is gone may be what a pod waits for."""
        if change.new is not None:
            return
        for stateful_set in self._informers.stateful_sets_by_namespace.get(change.key.namespace):
            for template in stateful_set.spec.volumeClaimTemplates:
                pod = pod_pb2.Pod()
                pod.metadata.name = change.key.name.removeprefix(f"{template.metadata.name}-")
                if ordinal_of(stateful_set, pod) is not None:
                    self._loop.queue.add(key(stateful_set))


def _revisions(stateful_set: statefulset_pb2.StatefulSet, known: KnownRevisions) -> RolloutRevisions:
    """Where the status names no current revision that is there, it is the newest."""
    name = stateful_set.status.currentRevision
    current = next((one for one in known.revisions if one.metadata.name == name), known.newest)
    return RolloutRevisions(current, known.newest)
