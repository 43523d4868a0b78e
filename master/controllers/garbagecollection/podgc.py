"""Removes pods that nobody else will: of nodes that are gone, deleted without a node, or ended and too many.

Pods on a node that is merely unreachable stay Terminating, as in Kubernetes: nobody knows whether they still run.
The taint node.kubernetes.io/out-of-service is a person's word that they do not.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

from master.controllers.framework.informers import Index, Informers
from master.controllers.framework.loop import Loop
from master.controllers.objects.nodestate import readiness
from master.controllers.objects.podconditions import DISRUPTION_TARGET, set_condition
from master.controllers.objects.podstate import is_being_deleted
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key, key
from podlab.api.pods.podphase import is_terminal
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import NotFound

log = logging.getLogger(__name__)

# A node that registers anew within this time keeps its pods.
QUARANTINE_S = 40.0
TERMINATED_LIMIT = 12_500
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
_ENDED = "ended"
_SWEEP = Key(GroupKind("", "Pod"), "", "")


def is_out_of_service(node: node_pb2.Node) -> bool:
    """Its pods are known to run no more."""
    return readiness(node) != "True" and any(taint.key == OUT_OF_SERVICE for taint in node.spec.taints)


def beyond_limit(ended: Sequence[pod_pb2.Pod], limit: int) -> list[pod_pb2.Pod]:
    """The oldest of the pods that ended, as many as there are too many."""
    surplus = max(0, len(ended) - limit)
    return sorted(ended, key=lambda pod: (pod.metadata.creationTimestamp.seconds, pod.metadata.name))[:surplus]


class PodGcController:
    """Keys are pods'. Time is a trigger here: a pod without its node is looked at when the quarantine ends."""

    name: Final = "podgc"

    def __init__(self, client: Client, informers: Informers, quarantine_s: float = QUARANTINE_S) -> None:
        self._client = client
        self._quarantine_s = quarantine_s
        self._informers = informers
        self._ended = Index(informers.pods, lambda pod: (_ENDED,) if is_terminal(pod) else ())
        self._missing_since: dict[str, float] = {}
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        informers.pods.on_change(self._pod_changed)
        informers.nodes.on_change(self._node_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        if at == _SWEEP:
            for old in beyond_limit(self._ended.get(_ENDED), TERMINATED_LIMIT):
                await self._remove(old, "")
            return
        pod = self._informers.pods.store.get(at)
        if pod is None:
            return
        if not pod.spec.nodeName:
            if is_being_deleted(pod):
                await self._remove(pod, "")
            return
        node = self._informers.nodes.get(pod.spec.nodeName)
        if node is None:
            await self._judge_orphan(pod)
        elif is_being_deleted(pod) and is_out_of_service(node):
            await self._remove(pod, "PodGC: node is out of service")

    async def _judge_orphan(self, pod: pod_pb2.Pod) -> None:
        name, now = pod.spec.nodeName, time.monotonic()
        rest_s = self._missing_since.setdefault(name, now) + self._quarantine_s - now
        if rest_s > 0:
            self._loop.queue.add_after(key(pod), rest_s)
            return
        try:
            await self._client.get(node_pb2.Node, name)
        except NotFound:
            await self._remove(pod, "PodGC: node no longer exists")

    async def _remove(self, pod: pod_pb2.Pod, why: str) -> None:
        """Marks it as failed for whoever waits for its end, then removes it without waiting for a node."""
        if not is_terminal(pod):
            changed = pod_pb2.Pod()
            changed.CopyFrom(pod)
            changed.status.phase = "Failed"
            if why:
                set_condition(
                    changed.status, DISRUPTION_TARGET, "True", reason="DeletionByPodGC", message=why, now=time.time()
                )
            await self._client.update_status(changed)
        uid = pod.metadata.uid
        await self._client.delete(pod_pb2.Pod, pod.metadata.name, pod.metadata.namespace, grace_period_s=0, uid=uid)
        log.info("%s removed: %s", key(pod), why or ("it ended long ago" if is_terminal(pod) else "it has no node"))

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        pod = change.new
        if pod is None:
            return
        if is_terminal(pod) and self._ended.count(_ENDED) > TERMINATED_LIMIT:
            self._loop.queue.add(_SWEEP)
        node = self._informers.nodes.get(pod.spec.nodeName) if pod.spec.nodeName else None
        if (pod.spec.nodeName and node is None) or (
            is_being_deleted(pod) and (node is None or is_out_of_service(node))
        ):
            self._loop.queue.add(change.key)

    def _node_changed(self, change: Change[node_pb2.Node]) -> None:
        if change.new is not None:
            self._missing_since.pop(change.key.name, None)
        if change.new is None or is_out_of_service(change.new):
            for pod in self._informers.pods_by_node.get(change.key.name):
                self._loop.queue.add(key(pod))
