"""The scheduler's loop: takes pods from the queue, judges them one after another, binds them together.

A judged pod counts on its node at once (it is assumed), so that the next one sees it before the API server does.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from master.scheduler.conditions import unschedulable
from master.scheduler.decisions import Decisions, Remembered
from master.scheduler.plugins import FILTERS, SCORES
from master.scheduler.podinfo import PodInfo, pod_info
from master.scheduler.queue import SchedulingQueue
from master.scheduler.schedule import schedule
from master.scheduler.snapshot import Snapshot
from podlab.api import times
from podlab.api.objects import Key, key
from podlab.client.client import Client
from podlab.client.informer import Change, Informer
from podlab.client.recorder import Recorder
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, Conflict, NotFound
from podlab.v1 import apiserver_pb2

log = logging.getLogger(__name__)

NAME = "default-scheduler"
BATCH = 64
BINDS_AT_ONCE = 4
CONDITION_ATTEMPTS = 3


class Scheduler:
    """`run` for ever; `decisions` explains."""

    def __init__(self, client: Client) -> None:
        self.decisions = Decisions(FILTERS, SCORES)
        self.synced = asyncio.Event()
        self._client = client
        self._recorder = Recorder(client, NAME)
        self._nodes = Informer(client, Node)
        self._pods = Informer(client, Pod)
        self._snapshot = Snapshot()
        self._queue = SchedulingQueue()
        self._binding = asyncio.Semaphore(BINDS_AT_ONCE)
        self._nodes.on_change(self._node_changed)
        self._pods.on_change(self._pod_changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._recorder.run())
            group.create_task(self._nodes.run())
            group.create_task(self._pods.run())
            # Judged before all pods are known, a node would look emptier than it is.
            await self._nodes.synced.wait()
            await self._pods.synced.wait()
            self.synced.set()
            while True:
                keys, moves = await self._queue.pop(BATCH)
                await self._binding.acquire()
                assumed = self._judge(keys, moves, group)
                group.create_task(self._bind(assumed, moves))

    def _node_changed(self, change: Change[Node]) -> None:
        if change.new is None:
            self._snapshot.remove_node(change.key.name)
            return
        self._snapshot.set_node(change.new)
        if change.old is None or _matters(change.old, change.new):
            self._queue.move_all()

    def _pod_changed(self, change: Change[Pod]) -> None:
        pod = change.new
        if change.old is not None and pod is not None and change.old.metadata.uid != pod.metadata.uid:
            # A list told of another pod of the same name: the first one went unseen.
            self._pod_changed(Change(change.key, change.old, None))
            self._pod_changed(Change(change.key, None, pod))
            return
        if pod is None or pod.status.phase in ("Succeeded", "Failed"):
            self._queue.remove(change.key)
            gone = pod if pod is not None else change.old
            if gone is not None and self._snapshot.remove_pod(gone.metadata.uid):
                self._queue.move_all()
        elif pod.spec.nodeName:
            self._queue.remove(change.key)
            self._snapshot.place(pod_info(pod), pod.spec.nodeName)
        elif self._is_ours(pod) and (change.old is None or _asks_otherwise(change.old, pod)):
            self._queue.add(change.key, pod.spec.priority)

    def _is_ours(self, pod: Pod) -> bool:
        return pod.spec.schedulerName == NAME and not pod.metadata.HasField("deletionTimestamp")

    def _judge(self, keys: Sequence[Key], moves: int, group: asyncio.TaskGroup) -> list[tuple[PodInfo, str]]:
        """The pods that found a node, assumed to be there."""
        assumed: list[tuple[PodInfo, str]] = []
        for at in keys:
            pod = self._pods.store.get(at)
            if pod is None or pod.spec.nodeName or not self._is_ours(pod):
                self._queue.remove(at)
                continue
            started = time.perf_counter()
            try:
                info = pod_info(pod)
                decision = schedule(info, self._snapshot, FILTERS, SCORES)
            except Exception:  # a pod that trips a plugin must not keep all others from their nodes
                log.exception("%s cannot be judged", at)
                self._queue.failed(at, moves, unschedulable=False)
                continue
            duration_us = round((time.perf_counter() - started) * 1e6)
            attempts = self._queue.attempts(at) + 1
            self.decisions.remember(at, Remembered(decision, pod.metadata.uid, times.now(), attempts, duration_us))
            if decision.node_name:
                self._snapshot.place(info, decision.node_name)
                assumed.append((info, decision.node_name))
            else:
                self._queue.failed(at, moves, unschedulable=True)
                group.create_task(self._tell_unschedulable(pod, decision.message))
        return assumed

    async def _bind(self, assumed: Sequence[tuple[PodInfo, str]], moves: int) -> None:
        try:
            if assumed:
                await self._bind_batch(assumed, moves)
        finally:
            self._binding.release()

    async def _bind_batch(self, assumed: Sequence[tuple[PodInfo, str]], moves: int) -> None:
        bindings = [
            apiserver_pb2.Binding(
                namespace=info.pod.metadata.namespace,
                name=info.pod.metadata.name,
                uid=info.pod.metadata.uid,
                node_name=node_name,
            )
            for info, node_name in assumed
        ]
        outcomes: Sequence[ApiError | None]
        try:
            outcomes = await self._client.bind(bindings)
        except ApiError as error:
            outcomes = [error] * len(bindings)
        for (info, node_name), failure in zip(assumed, outcomes, strict=True):
            at = key(info.pod)
            if failure is None:
                log.info("%s/%s bound to %s", at.namespace, at.name, node_name)
                message = f"Successfully assigned {at.namespace}/{at.name} to {node_name}"
                self._recorder.event(info.pod, "Normal", "Scheduled", message)
                continue
            log.warning("%s/%s not bound to %s: %s", at.namespace, at.name, node_name, failure)
            self._forget(info, at)
            self._queue.failed(at, moves, unschedulable=False)

    def _forget(self, info: PodInfo, at: Key) -> None:
        # The answer may have been lost and the binding stored: then the informer's word stands.
        known = self._pods.store.get(at)
        if known is None or known.metadata.uid != info.pod.metadata.uid or not known.spec.nodeName:
            self._snapshot.remove_pod(info.pod.metadata.uid)

    async def _tell_unschedulable(self, pod: Pod, message: str) -> None:
        self._recorder.event(pod, "Warning", "FailedScheduling", message)
        try:
            await self._write_condition(pod, message)
        except NotFound:
            log.debug("%s/%s went while it was judged", pod.metadata.namespace, pod.metadata.name)
        except ApiError as error:
            log.warning("%s/%s: condition not written: %s", pod.metadata.namespace, pod.metadata.name, error)
            self._queue.move(key(pod))  # its next judgement tells again

    async def _write_condition(self, pod: Pod, message: str) -> None:
        latest = pod
        for attempt in range(CONDITION_ATTEMPTS):
            changed = unschedulable(latest, message, times.now())
            if changed is None:
                return
            try:
                await self._client.update_status(changed)
                return
            except Conflict:
                if attempt == CONDITION_ATTEMPTS - 1:
                    raise
            latest = await self._client.get(Pod, pod.metadata.name, pod.metadata.namespace)
            if latest.metadata.uid != pod.metadata.uid:
                return


def _matters(old: Node, new: Node) -> bool:
    """Whether a node's change can make a pod fit."""
    return (
        old.spec != new.spec
        or old.metadata.labels != new.metadata.labels
        or old.status.allocatable != new.status.allocatable
    )


def _asks_otherwise(old: Pod, new: Pod) -> bool:
    """Whether the pod asks for something else than before (its status does not matter)."""
    return old.spec != new.spec
