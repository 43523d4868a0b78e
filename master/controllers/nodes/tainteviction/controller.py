"""The taint eviction controller: deletes pods when their time on a tainted node is over."""

from __future__ import annotations

import logging
import time
from typing import Final

from master.controllers.framework.disruption import delete_disrupted
from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from master.controllers.nodes.tainteviction.decide import bound_at, evicting, leave_at
from master.controllers.objects.podstate import is_being_deleted
from podlab.api.objects import Key, key
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import NotFound

log = logging.getLogger(__name__)


class TaintEvictionController:
    """Keys are pods'. Time is a trigger here: a pod is looked at when its toleration ends."""

    name: Final = "tainteviction"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._informers = informers
        self._recorder = recorder
        # For taints that do not say when they came: node's uid, key and effect.
        self._first_seen: dict[tuple[str, str, str], float] = {}
        self._leaving: set[Key] = set()
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.nodes.on_change(self._node_changed)
        informers.pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        pod = self._informers.pods.store.get(at)
        node = self._informers.nodes.get(pod.spec.nodeName) if pod is not None else None
        if pod is None or is_being_deleted(pod) or node is None:
            self._leaving.discard(at)
            return
        uid = node.metadata.uid
        due = leave_at(pod.spec.tolerations, evicting(node), lambda taint: self._since(uid, taint), bound_at(pod))
        now = time.time()
        if due is None:
            if at in self._leaving:
                self._leaving.discard(at)
                self._record_event(pod, f"Cancelling deletion of Pod {at.namespace}/{at.name}")
        elif due <= now:
            if await self._is_due(pod):
                await self._evict(pod)
        else:
            self._leaving.add(at)
            self._loop.queue.add_after(at, due - now)

    async def _is_due(self, pod: pod_pb2.Pod) -> bool:
        """Whether the API server says so too: what has been taken off the node may not have come to us yet."""
        try:
            node = await self._client.get(node_pb2.Node, pod.spec.nodeName)
        except NotFound:
            return False  # which is told to `podgc`
        uid = node.metadata.uid
        due = leave_at(pod.spec.tolerations, evicting(node), lambda taint: self._since(uid, taint), bound_at(pod))
        return due is not None and due <= time.time()

    async def _evict(self, pod: pod_pb2.Pod) -> None:
        at = key(pod)
        self._record_event(pod, f"Marking for deletion Pod {at.namespace}/{at.name}")
        await delete_disrupted(
            self._client,
            pod,
            reason="DeletionByTaintManager",
            message="Taint manager: deleting due to NoExecute taint",
        )
        log.info("%s has to leave %s: its NoExecute taints are not tolerated (any longer)", at, pod.spec.nodeName)

    def _record_event(self, pod: pod_pb2.Pod, message: str) -> None:
        self._recorder.event(pod, "Normal", "TaintManagerEviction", message)

    def _since(self, node_uid: str, taint: node_pb2.Taint) -> float:
        if taint.HasField("timeAdded"):
            return taint.timeAdded.seconds
        return self._first_seen.get((node_uid, taint.key, taint.effect), time.time())

    def _node_changed(self, change: Change[node_pb2.Node]) -> None:
        old = evicting(change.old) if change.old is not None else []
        new = evicting(change.new) if change.new is not None else []
        if old == new:
            return
        if change.old is not None:
            lost = {(change.old.metadata.uid, taint.key, taint.effect) for taint in old}
            for gone in lost - {(change.old.metadata.uid, taint.key, taint.effect) for taint in new}:
                self._first_seen.pop(gone, None)
        if change.new is not None:
            for taint in new:
                self._first_seen.setdefault((change.new.metadata.uid, taint.key, taint.effect), time.time())
            for pod in self._informers.pods_by_node.get(change.key.name):
                self._loop.queue.add(key(pod))

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        pod = change.new or change.old
        if pod is None or not pod.spec.nodeName:
            return
        node = self._informers.nodes.get(pod.spec.nodeName)
        if node is not None and evicting(node):
            self._loop.queue.add(change.key)
