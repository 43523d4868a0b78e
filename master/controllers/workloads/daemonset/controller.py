"""The DaemonSet controller: looks at nodes and pods, asks `decide`, creates and deletes, and tells what is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.framework.podcontrol import PodControl
from master.controllers.objects.events import ObjectEvent
from master.controllers.objects.podstate import next_availability_s
from master.controllers.workloads.controllerrevisions.decide import HASH_LABEL
from master.controllers.workloads.controllerrevisions.history import KnownRevisions, RevisionHistory
from master.controllers.workloads.daemonset.backoff import FailedPodsBackoff
from master.controllers.workloads.daemonset.decide import DaemonSetPlan, decide
from master.controllers.workloads.daemonset.placement import node_of, node_placements, pod_for
from master.controllers.workloads.daemonset.rolling import DaemonSetUpdate
from master.controllers.workloads.daemonset.status import with_status
from podlab.api.objects import Key, key
from podlab.apps.v1 import daemonset_pb2
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import ApiError


class DaemonSetController:
    """Keys are DaemonSets'."""

    name: Final = "daemonset"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._informers = informers
        self._recorder = recorder
        self._backoff = FailedPodsBackoff()
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        kind, queue = daemonset_pb2.DaemonSet, self._loop.queue
        self._pods = PodControl(kind, client, informers, recorder, queue)
        self._history = RevisionHistory(kind, client, informers, queue)
        informers.nodes.on_change(self._node_changed)
        informers.daemon_sets.on_change(self._daemon_set_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        daemon_set = self._informers.daemon_sets.store.get(at)
        if daemon_set is None or daemon_set.metadata.HasField("deletionTimestamp"):
            return
        settled = await self._pods.settled(daemon_set)
        pods = await self._pods.pods_of(daemon_set)
        known = await self._history.known(daemon_set)
        update = DaemonSetUpdate(daemon_set, _hash(known), time.time())
        placements = node_placements(daemon_set.spec.template, self._informers.nodes.store.values())
        error = None
        if settled:
            error = await self._carry_out(update, decide(update, placements, pods))
        await self._write_status(update, pods, with_status(update, placements, pods, collisions=known.collisions))
        hashes = {pod.metadata.labels.get(HASH_LABEL) for pod in pods}
        in_use = [one.metadata.name for one in known.revisions if one.metadata.labels.get(HASH_LABEL) in hashes]
        await self._history.prune(daemon_set, known, in_use)
        if error is not None:
            raise error

    async def _carry_out(self, update: DaemonSetUpdate, plan: DaemonSetPlan) -> ApiError | None:
        daemon_set = update.daemon_set
        try:
            await self._pods.delete(daemon_set, [*plan.delete, *self._due(daemon_set, plan.ended)])
            made = (pod_for(daemon_set, node, update.revision_hash) for node in plan.create)
            await self._pods.create(daemon_set, made)
        except ApiError as error:
            return error
        return None

    def _due(self, daemon_set: daemonset_pb2.DaemonSet, ended: Iterable[pod_pb2.Pod]) -> list[pod_pb2.Pod]:
        """Those whose back-off is over; for the others we come back."""
        due = []
        for pod in ended:
            wait_s = self._backoff.wait_s(daemon_set.metadata.uid, node_of(pod))
            if wait_s:
                self._loop.queue.add_after(key(daemon_set), wait_s)
                continue
            due.append(pod)
            where = f"daemon pod {pod.metadata.namespace}/{pod.metadata.name} on node {node_of(pod)}"
            if pod.status.phase == "Failed":
                event = ObjectEvent("Warning", "FailedDaemonPod", f"Found failed {where}, will try to kill it")
            else:
                event = ObjectEvent("Normal", "SucceededDaemonPod", f"Found succeeded {where}, will try to delete it")
            self._recorder.event(daemon_set, *event)
        return due

    async def _write_status(
        self, update: DaemonSetUpdate, pods: Sequence[pod_pb2.Pod], updated: daemonset_pb2.DaemonSet
    ) -> None:
        wait_s = next_availability_s(pods, updated.spec.minReadySeconds, update.now)
        if wait_s is not None:
            self._loop.queue.add_after(key(updated), wait_s)
        if updated.status != update.daemon_set.status:
            await self._client.update_status(updated)

    def _daemon_set_changed(self, change: Change[daemonset_pb2.DaemonSet]) -> None:
        if change.new is None and change.old is not None:
            self._backoff.forget(change.old.metadata.uid)

    def _node_changed(self, change: Change[node_pb2.Node]) -> None:
        """Only what `judge` looks at: a node's status changes often."""
        old, new = change.old, change.new
        if old is not None and new is not None and _seen(old) == _seen(new):
            return
        for at in self._informers.daemon_sets.store:
            self._loop.queue.add(at)


def _hash(known: KnownRevisions) -> str:
    return known.newest.metadata.labels.get(HASH_LABEL, known.newest.metadata.name)


def _seen(node: node_pb2.Node) -> tuple[dict[str, str], list[node_pb2.Taint]]:
    return dict(node.metadata.labels), list(node.spec.taints)
