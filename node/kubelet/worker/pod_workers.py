"""All pods of this node: one worker each, woken when the API or the runtime has something new."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from node.kubelet.cri.runtime import ObservedPod, RuntimeFailure
from node.kubelet.pod.pod_outcome import Outcome
from node.kubelet.volume import projected
from node.kubelet.worker.context import NodeContext
from node.kubelet.worker.pod_worker import Worker
from podlab.api.objects import Key
from podlab.client.informer import Change, Informer
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

# The whole runtime is looked at this often when it tells of exits itself, and when it does not.
RELIST_S, RELIST_WITHOUT_EVENTS_S = 5.0, 1.0
# The runtime's own books follow the exit that it tells of: nearly always within the first time, on a busy machine
# within the second.
SETTLE_S, SURELY_SETTLED_S = 0.05, 0.5
EVENTS_RETRY_S = 1.0


class Pods:
    """`run` for ever. Pods that the runtime has and the API does not are ended, once the API has told all it has."""

    def __init__(self, context: NodeContext, informer: Informer[pod_pb2.Pod]) -> None:
        self._context = context
        self._informer = informer
        self._keys: dict[str, Key] = {}
        self._workers: dict[str, Worker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # Pods whose worker is done while the API still shows them.
        self._ended: set[str] = set()
        self._seen: Mapping[str, ObservedPod] = {}
        self._relist = asyncio.Event()
        self._has_events = False
        self._unsettled = False
        self._blind = False
        self._leaving = False
        informer.on_change(self._changed)

    def leave(self) -> None:
        """The node is the cluster's no longer: no pod is wanted here, whatever the API has said last."""
        self._leaving = True
        for uid in self._workers:
            self.poke(uid)
        self._relist.set()

    def poke(self, uid: str) -> None:
        """Makes the pod's worker look again."""
        worker = self._workers.get(uid)
        if worker is not None:
            worker.poke()

    def sources_changed(self, uid: str) -> None:
        """What the pod's files are made of changed."""
        worker = self._workers.get(uid)
        if worker is not None:
            worker.sources_changed()

    def end(self, uid: str, outcome: Outcome) -> None:
        """The pod is to end so, for the node's sake."""
        worker = self._workers.get(uid)
        if worker is not None:
            worker.end(outcome)

    async def run(self) -> None:
        events = asyncio.create_task(self._follow_exits())
        try:
            while True:
                self._relist.clear()
                await self._look()
                await self._rest()
        finally:
            events.cancel()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def wanted(self, uid: str) -> pod_pb2.Pod | None:
        """The API's copy of the pod; None when it has none."""
        if self._leaving:
            return None
        pod = self._informer.store.get(self._keys[uid]) if uid in self._keys else None
        return pod if pod is not None and pod.metadata.uid == uid else None

    def named(self, namespace: str, name: str) -> pod_pb2.Pod | None:
        """The API's copy of the pod of that name."""
        return self._informer.get(name, namespace)

    async def is_running(self, uid: str, container_id: str) -> bool:
        """Whether the container runs; the runtime is asked when its last look does not say so."""
        observed = self._seen.get(uid)
        if observed is not None and any(run.id == container_id for run in observed.alive):
            return True
        try:
            now = await self._context.runtime.pod(uid)
        except RuntimeFailure as error:
            log.info("container %s is taken to run: %s", container_id, error)
            return True
        return any(run.id == container_id for run in now.alive)

    def _changed(self, change: Change[pod_pb2.Pod]) -> None:
        for pod in (change.old, change.new):
            if pod is not None:
                self._keys[pod.metadata.uid] = change.key
        if change.new is not None and change.new.metadata.uid not in self._ended:
            self._ensure(change.new.metadata.uid).poke()
            if change.old is not None and _tells_otherwise(change.old, change.new):
                self.sources_changed(change.new.metadata.uid)
        old = change.old
        if old is not None and (change.new is None or change.new.metadata.uid != old.metadata.uid):
            del self._keys[old.metadata.uid]
            self._ended.discard(old.metadata.uid)
            self.poke(old.metadata.uid)

    def _ensure(self, uid: str) -> Worker:
        worker = self._workers.get(uid)
        if worker is None:
            worker = Worker(uid, self._context, lambda: self.wanted(uid))
            self._workers[uid] = worker
            task = asyncio.create_task(worker.run())
            self._tasks[uid] = task
            task.add_done_callback(lambda _: self._done(uid))
        return worker

    def _done(self, uid: str) -> None:
        self._workers.pop(uid, None)
        self._tasks.pop(uid, None)
        if self.wanted(uid) is not None:
            self._ended.add(uid)

    async def _look(self) -> None:
        try:
            now = await self._context.runtime.pods()
        except RuntimeFailure as error:
            if not self._blind:
                log.warning("the container runtime cannot be read: %s", error)
            self._blind = True
            return
        if self._blind:
            log.info("the container runtime answers again")
            self._blind = False
        for uid in now.keys() | self._seen.keys():
            if now.get(uid) != self._seen.get(uid):
                self.poke(uid)
        self._seen = now
        self._context.places.begun(now.keys())
        if self._informer.synced.is_set() or self._leaving:
            for uid in (now.keys() | self._context.volumes.uids()) - self._workers.keys():
                if self.wanted(uid) is None:
                    log.info("pod %s is here and not in the API: it is removed", _told(uid, now))
                    self._ensure(uid)

    async def _rest(self) -> None:
        calm_s = RELIST_S if self._has_events else RELIST_WITHOUT_EVENTS_S
        try:
            async with asyncio.timeout(SURELY_SETTLED_S if self._unsettled else calm_s):
                await self._relist.wait()
            await asyncio.sleep(SETTLE_S)
            self._unsettled = True
        except TimeoutError:
            self._unsettled = False

    async def _follow_exits(self) -> None:
        while True:
            try:
                async for _ in self._context.runtime.exits():
                    self._has_events = True
                    self._relist.set()
            except RuntimeFailure as error:
                log.debug("the container runtime's events ended: %s", error)
            self._has_events = False
            self._relist.set()
            await asyncio.sleep(EVENTS_RETRY_S)


def _tells_otherwise(old: pod_pb2.Pod, new: pod_pb2.Pod) -> bool:
    """Whether files of the pod tell something of it that has changed."""
    before, after = old.metadata, new.metadata
    same = before.labels == after.labels and before.annotations == after.annotations
    return not same and projected.tells_of_itself(new)


def _told(uid: str, observed: Mapping[str, ObservedPod]) -> str:
    pod = observed.get(uid)
    return f"{pod.namespace}/{pod.name} ({uid})" if pod is not None else uid
