"""The workers of all pods of this node: one for each pod, woken when API or runtime have something new."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from node.kubelet.admission.preemption import is_critical
from node.kubelet.cri.runtime import ObservedPod, RuntimeFailure
from node.kubelet.pod.pod_outcome import PodOutcome
from node.kubelet.staticpods.node_pods import NodePods
from node.kubelet.volume import projected
from node.kubelet.worker.context import NodeContext
from node.kubelet.worker.pod_worker import PodWorker
from node.kubelet.worker.relisting import Relisting
from podlab.api.pods.podphase import is_terminal
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

# Exits that come together are looked at together, and lists show them then.
GATHER_S = 0.05
EVENTS_RETRY_S = 1.0


class PodWorkers:
    """`run` for ever. Pods that only the runtime has are removed, once it is known which pods the node is to run."""

    def __init__(self, context: NodeContext, pods: NodePods) -> None:
        self._context = context
        self._pods = pods
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # Pods whose worker has finished while the API still has them, deleted.
        self._finished: set[str] = set()
        self._observed: Mapping[str, ObservedPod] = {}
        self._relist = asyncio.Event()
        self._relisting = Relisting()
        self._has_listed = False
        self._unreadable = False
        self._node_removed = False
        pods.on_change(self._changed)

    def node_removed(self) -> None:
        """The node was deleted from the API: all its pods are removed, but those that its own files describe."""
        self._node_removed = True
        for uid in self._workers:
            self.wake(uid)
        self._relist.set()

    def wake(self, uid: str) -> None:
        """Makes the pod's worker look again."""
        worker = self._workers.get(uid)
        if worker is not None:
            worker.wake()

    def volume_contents_changed(self, uid: str) -> None:
        """A ConfigMap, Secret, token or field that the pod's volumes are made of has changed."""
        worker = self._workers.get(uid)
        if worker is not None:
            worker.volume_contents_changed()

    def devices_changed(self) -> None:
        """Devices that pods have may be no longer healthy, or be so again."""
        for uid in self._context.devices.pod_uids():
            self.wake(uid)

    def driver_registered(self) -> None:
        """A driver of devices or volumes has come, for which pods may have waited."""
        for worker in self._workers.values():
            worker.driver_registered()

    def end(self, uid: str, outcome: PodOutcome, grace_s: int | None = None) -> None:
        """Ends the pod with this outcome; without `grace_s` within its own grace period."""
        worker = self._workers.get(uid)
        if worker is not None:
            worker.end(outcome, grace_s)

    def evictable(self) -> list[pod_pb2.Pod]:
        """The pods that may be evicted: those that are still to run, but for critical ones."""
        return [pod for pod in self.active() if not is_critical(pod)]

    def active(self) -> list[pod_pb2.Pod]:
        """The pods that are still to run."""
        found = (self.api_pod(uid) for uid, worker in self._workers.items() if not worker.is_ending)
        return [pod for pod in found if pod is not None and not is_terminal(pod)]

    def has_ended(self, uid: str) -> bool:
        """Whether the pod has gone, or ended for good. The last list of the runtime does not tell: the pod may be
        younger."""
        worker = self._workers.get(uid)
        return worker is None or worker.has_ended

    async def remove_ended(self) -> None:
        """What the runtime keeps of pods that have ended, logs with it, is removed: the disk is short."""
        for worker in self._workers.values():
            worker.remove_ended()

    async def run(self) -> None:
        events = asyncio.create_task(self._follow_exits())
        try:
            while True:
                self._relist.clear()
                await self._list_runtime()
                await self._wait_for_change()
        finally:
            events.cancel()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def api_pod(self, uid: str) -> pod_pb2.Pod | None:
        """The API's copy of the pod, or what its file says; None when nobody wants it."""
        if self._node_removed and not self._pods.is_static(uid):
            return None
        return self._pods.of_uid(uid)

    def named(self, namespace: str, name: str) -> pod_pb2.Pod | None:
        """The API's copy of the pod of that name."""
        return self._pods.named(namespace, name)

    def may_run(self, uid: str) -> bool:
        """Whether something of the pod may be here; of any pod as long as the runtime has not been listed."""
        return not self._has_listed or uid in self._workers or uid in self._observed or self.api_pod(uid) is not None

    async def is_running(self, uid: str, container_id: str) -> bool:
        """Whether the container runs. The runtime is asked when it did not run at the last list."""
        observed = self._observed.get(uid)
        if observed is not None and any(run.id == container_id for run in observed.alive):
            return True
        try:
            now = await self._context.runtime.pod(uid)
        except RuntimeFailure as error:
            log.info("container %s is assumed to run: %s", container_id, error)
            return True
        return any(run.id == container_id for run in now.alive)

    def _changed(self, old: pod_pb2.Pod | None, new: pod_pb2.Pod | None) -> None:
        if new is not None and new.metadata.uid not in self._finished:
            self._ensure(new.metadata.uid).wake()
            if old is not None and _downward_api_changed(old, new):
                self.volume_contents_changed(new.metadata.uid)
        if old is not None and (new is None or new.metadata.uid != old.metadata.uid):
            self._finished.discard(old.metadata.uid)
            self.wake(old.metadata.uid)

    def _ensure(self, uid: str) -> PodWorker:
        worker = self._workers.get(uid)
        if worker is None:
            worker = PodWorker(uid, self._context, self._pods, lambda: self.api_pod(uid))
            self._workers[uid] = worker
            task = asyncio.create_task(worker.run())
            self._tasks[uid] = task
            task.add_done_callback(lambda ended: self._done(uid, ended))
        return worker

    def _done(self, uid: str, ended: asyncio.Task[None]) -> None:
        self._context.figures.probes.forget("pod_uid", uid)
        self._workers.pop(uid, None)
        self._tasks.pop(uid, None)
        if ended.cancelled():
            return
        pod = self.api_pod(uid)
        if pod is not None and pod.metadata.HasField("deletionTimestamp"):
            self._finished.add(uid)
        elif pod is not None:  # a file says again what it said before
            self._ensure(uid)

    async def _list_runtime(self) -> None:
        began = time.perf_counter()
        try:
            now = await self._context.runtime.pods()
            self._context.figures.relists.observe(time.perf_counter() - began)
        except RuntimeFailure as error:
            if not self._unreadable:
                log.warning("the container runtime cannot be read: %s", error)
            self._unreadable = True
            return
        if self._unreadable:
            log.info("the container runtime answers again")
            self._unreadable = False
        self._has_listed = True
        self._relisting.listed(now.values(), time.monotonic())
        for uid in now.keys() | self._observed.keys():
            if now.get(uid) != self._observed.get(uid):
                self.wake(uid)
        self._observed = now
        self._context.admission.runtime_listed(now.keys())
        if self._pods.are_known or self._node_removed:
            for uid in (now.keys() | self._context.volumes.uids()) - self._workers.keys():
                if self.api_pod(uid) is None:
                    log.info("pod %s is here and not in the API: it is removed", _describe(uid, now))
                    self._ensure(uid)

    async def _wait_for_change(self) -> None:
        try:
            async with asyncio.timeout(self._relisting.pause_s()):
                await self._relist.wait()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_S)

    async def _follow_exits(self) -> None:
        while True:
            try:
                async for identifier in self._context.runtime.exit_events():
                    self._relisting.ended(identifier, time.monotonic())
                    self._relist.set()
            except RuntimeFailure as error:
                log.debug("the container runtime's events ended: %s", error)
            self._relisting.has_events = False
            self._relist.set()
            await asyncio.sleep(EVENTS_RETRY_S)


def _downward_api_changed(old: pod_pb2.Pod, new: pod_pb2.Pod) -> bool:
    """Whether files of the pod show labels or annotations that have changed."""
    before, after = old.metadata, new.metadata
    same = before.labels == after.labels and before.annotations == after.annotations
    return not same and projected.uses_downward_api(new)


def _describe(uid: str, observed: Mapping[str, ObservedPod]) -> str:
    pod = observed.get(uid)
    return f"{pod.namespace}/{pod.name} ({uid})" if pod is not None else uid
