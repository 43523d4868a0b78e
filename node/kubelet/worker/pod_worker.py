"""One pod's loop: observe, decide, write the status, do one action, and again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from node.kubelet.admission.preemption import is_critical
from node.kubelet.cri.runtime import ContainerState, ObservedPod, RuntimeFailure, RuntimeUnavailable
from node.kubelet.disk import file_tree
from node.kubelet.dynamicresources.driver import DriverError
from node.kubelet.logs import log_files
from node.kubelet.pod import decide, pod_outcome, podspec
from node.kubelet.pod.actions import (
    Action,
    Finish,
    RemoveContainer,
    RemoveSandbox,
    RunSandbox,
    StartContainer,
    StopContainer,
    StopSandbox,
    Wait,
)
from node.kubelet.pod.callbacks import PodCallbacks
from node.kubelet.pod.container_status import newly_backing_off
from node.kubelet.pod.pod_notes import FOREVER, PodNotes
from node.kubelet.pod.pod_outcome import PodOutcome
from node.kubelet.pod.pod_status import pod_status, refused_status
from node.kubelet.probes.lifecycle_hooks import PostStartHooks
from node.kubelet.probes.probe_manager import ProbeManager
from node.kubelet.staticpods.node_pods import NodePods
from node.kubelet.volume import projected
from node.kubelet.volume.volume_manager import VolumeError
from node.kubelet.worker.context import NodeContext
from node.kubelet.worker.pod_resize import PodResize
from node.kubelet.worker.pod_startup import PodStartup
from node.kubelet.worker.pod_termination import PodTermination
from node.kubelet.worker.start_record import StartRecord
from node.kubelet.worker.status_writer import PodStatusWriter
from node.kubelet.worker.termination_message import termination_message
from podlab.api.pods.podphase import RUNNING, is_terminal
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, Conflict, NotFound

log = logging.getLogger(__name__)

RETRY_S = 1.0
FLUSH_TIMEOUT_S = 5.0
# A pod that fills the disk gets no time to fill it further.
EVICTED_GRACE_S = 1


class PodWorker:
    """`run` until the pod is gone from API and runtime. `api_pod` gives the API's copy, or None; of a static pod it is
    what its file says, with the status of what the API is shown of it."""

    def __init__(
        self, uid: str, context: NodeContext, pods: NodePods, api_pod: Callable[[], pod_pb2.Pod | None]
    ) -> None:
        self.uid = uid
        self._context = context
        self._pods = pods
        self._api_pod = api_pod
        self._wake_event = asyncio.Event()
        self._notes = PodNotes(accepted_at=time.time())
        callbacks = PodCallbacks(self._event, self.wake)
        self._record = StartRecord(context.spans, uid)
        self._startup = PodStartup(context, self._notes, callbacks, self._record)
        self._resize = PodResize(context, self._notes, callbacks)
        self._termination = PodTermination(context, self._notes, callbacks)
        self._post_start_hooks = PostStartHooks(context.runtime, self._notes, callbacks)
        self._probes = ProbeManager(context.runtime, self._notes, callbacks, self._count_probe)
        self._status_writer = PodStatusWriter(context.client, pods.uid_in_api, self._record)
        self._stale_volumes = False
        self._storage_watch: asyncio.Task[None] | None = None
        # Set when this node ends the pod.
        self._outcome: PodOutcome | None = None
        self._adopted = False
        self._done = False

    def wake(self) -> None:
        """Makes the worker look again: something may have changed."""
        self._wake_event.set()

    def volume_contents_changed(self) -> None:
        """Refreshes the volumes. Starts that were blocked by a missing ConfigMap or Secret are tried again at once."""
        self._stale_volumes = True
        self._notes.unblock_starts(("FailedMount", "CreateContainerConfigError"))
        self._wake_event.set()

    def driver_registered(self) -> None:
        """Starts that were blocked because a driver of devices or volumes was not there are tried again at once."""
        self._notes.unblock_starts(("FailedPrepareDynamicResources", "FailedMount", "CreateContainerConfigError"))
        self._wake_event.set()

    def end(self, outcome: PodOutcome, grace_s: int | None = None) -> None:
        """Ends the pod with this outcome, unless it has ended; without `grace_s` within its own grace period."""
        if self._outcome is None and self._api_pod() is not None and not self.has_ended:
            self._outcome, self._notes.grace_s = outcome, grace_s
            self._warn(outcome.reason, outcome.message)
            self.wake()

    @property
    def has_ended(self) -> bool:
        """Whether nothing of the pod runs any more, nor will."""
        pod = self._api_pod()
        return pod is not None and is_terminal(self._status_writer.with_own_status(pod))

    @property
    def is_ending(self) -> bool:
        """Whether the pod is deleted, or this node has said that it ends."""
        return self._outcome is not None or self._notes.terminating_since is not None

    def remove_ended(self) -> None:
        """Nothing of the pod is kept once it has ended."""
        self._notes.keeps_ended = False
        self.wake()

    async def run(self) -> None:
        try:
            while not self._done:
                self._wake_event.clear()
                delay_s = await self._try_step()
                if delay_s > 0:
                    await self._sleep(delay_s)
        finally:
            self._probes.stop()
            self._post_start_hooks.stop()
            self._termination.close()
            self._status_writer.close()
            if self._storage_watch is not None:
                self._storage_watch.cancel()
            self._context.config_objects.forget(self.uid)
            self._context.tokens.forget(self.uid)
            self._context.admission.forget(self.uid)

    async def _try_step(self) -> float:
        """Does at most one action; returns how long there is nothing to do."""
        began = time.perf_counter()
        try:
            return await self._step()
        except RuntimeUnavailable as error:
            log.debug("pod %s: %s", self._name(), error)  # PodWorkers logs it once for all pods
            return RETRY_S
        except (RuntimeFailure, ApiError, VolumeError, DriverError, OSError) as error:
            log.warning("pod %s: %s: will be tried again", self._name(), error)
            if self._notes.terminating_since is not None:
                self._warn("FailedKillPod", f"error killing pod: {error}")
            return RETRY_S
        except Exception:
            log.exception("pod %s: unexpected; will be tried again", self._name())
            return RETRY_S * 5
        finally:
            ending = "sync" if self._notes.terminating_since is None else "terminating"
            self._context.figures.steps.observe(time.perf_counter() - began, ending)

    async def _step(self) -> float:
        pod = self._api_pod()
        observed = await self._context.runtime.pod(self.uid)
        self._update_notes(pod, observed)
        now = time.time()
        if pod is not None:
            pod = self._status_writer.with_own_status(pod, self._outcome)
            if await self._is_refused(pod, observed):
                return 0.0
            pod = self._allocated(pod, observed)
        if self._notes.terminating_since is None and _is_terminating(pod, observed, now):
            self._notes.terminating_since = now
            if pod is not None and pod_outcome.is_past_deadline(pod, now):
                self._event("Normal", pod_outcome.DEADLINE_EXCEEDED.reason, pod_outcome.DEADLINE_EXCEEDED.message)
        if self._notes.terminating_since is not None and not observed.alive:
            await self._give_back()  # before anybody is told that the pod has ended
        action = decide.next_action(pod, observed, self._notes, now)
        if pod is None:
            self._probes.stop()
            self._post_start_hooks.stop()
        else:
            self._post_start_hooks.sync(pod, observed, self._context.node_ips[0])
            self._probes.sync(pod, observed, self._context.node_ips[0])
            status = pod_status(pod, observed, self._notes, now=now, host_ips=self._context.node_ips)
            self._record.look(pod, observed, self._notes, status)
            self._context.devices.tell_health(pod, status)
            self._status_writer.write(self._api_pod() or pod, status)
            if status.phase == RUNNING and pod.status.phase != RUNNING:
                self._context.figures.starts.observe(now - self._notes.accepted_at)
            for name in newly_backing_off(pod.status, status):
                message = f"Back-off restarting failed container {name} in pod {podspec.full_name(pod)}"
                self._event("Warning", "BackOff", message, container=name)
        if isinstance(action, Wait):
            if pod is not None and await self._keep_up(pod, observed):
                return 0.0
            return min(action.until - now, self._resize.retry_s)
        await self._do(pod, observed, action)
        return 0.0

    async def _give_back(self) -> None:
        """Nothing of the pod runs: devices and processors are others' again."""
        await self._context.dynamic_resources.release(self.uid)
        self._context.devices.release(self.uid)
        self._context.cpus.release(self.uid)

    async def _is_refused(self, pod: pod_pb2.Pod, observed: ObservedPod) -> bool:
        """Whether the node does not admit the pod, which fails then without having run."""
        if observed.sandboxes or observed.containers or is_terminal(pod) or pod.metadata.HasField("deletionTimestamp"):
            return False
        outcome = await self._context.admission.admit(pod)
        if outcome is None:
            return False
        self._warn(outcome.reason, outcome.message)
        self._status_writer.write(self._api_pod() or pod, refused_status(pod, outcome, time.time()))
        return True

    def _allocated(self, pod: pod_pb2.Pod, observed: ObservedPod) -> pod_pb2.Pod:
        """The pod with the resources that are set aside for it, which files of its volumes may tell."""
        if is_terminal(pod) or pod.metadata.HasField("deletionTimestamp"):
            return self._context.admission.allocations.applied(pod)
        pending = self._notes.pending_resize is not None
        before = self._context.admission.allocations.applied(pod)
        allocated = self._resize.allocated(pod)
        self._resize.look(allocated, observed)
        if (pending or before is not pod) and allocated is pod:
            self._stale_volumes |= projected.uses_downward_api(pod)
        return allocated

    async def _keep_up(self, pod: pod_pb2.Pod, observed: ObservedPod) -> bool:
        """Does what running containers need. True when the worker is to look again."""
        if self._stale_volumes and observed.alive:
            await self._refresh_volumes(pod)
        return self._notes.terminating_since is None and await self._resize.update(pod)

    def _update_notes(self, pod: pod_pb2.Pod | None, observed: ObservedPod) -> None:
        """Brings the notes up to what is observed."""
        notes = self._notes
        notes.forget_absent({run.id for run in observed.containers})
        notes.stopped_sandboxes &= {sandbox.id for sandbox in observed.sandboxes}
        if pod is None:
            return
        if not self._adopted:
            self._adopted = True
            self._record.adopt(pod, observed)
            self._adopt(pod, observed)
            if self._context.ephemeral_storage.is_limited(pod) and not is_critical(pod):
                self._storage_watch = asyncio.create_task(self._watch_storage())
        for run in observed.containers:
            if run.state is ContainerState.EXITED and run.id not in notes.termination_messages:
                notes.termination_messages[run.id] = termination_message(run, self._context.volumes, self.uid)

    def _adopt(self, pod: pod_pb2.Pod, observed: ObservedPod) -> None:
        """Takes over what the API says of containers that ran before this kubelet, until a probe says otherwise."""
        alive = {f"containerd://{run.id}": run.id for run in observed.alive}
        for status in (*pod.status.initContainerStatuses, *pod.status.containerStatuses):
            container_id = alive.get(status.containerID)
            if container_id is not None and status.started:
                self._notes.post_start_done.add(container_id)
                self._notes.started.add(container_id)
                self._notes.ready[container_id] = status.ready
        # From now on this kubelet follows what they mount.
        self._stale_volumes = bool(alive and pod.spec.volumes)

    async def _refresh_volumes(self, pod: pod_pb2.Pod) -> None:
        try:
            await self._startup.refresh_volumes(pod)
        except VolumeError as error:  # a mounted ConfigMap was deleted: the files stay
            self._warn("FailedMount", str(error))
        self._stale_volumes = False

    async def _watch_storage(self) -> None:
        """Evicts the pod when it takes more of the disk than it may."""
        while self._outcome is None:
            await asyncio.sleep(self._context.timings.storage_period_s)
            pod = self._api_pod()
            if pod is None or is_terminal(pod):
                return
            try:
                exceeded = await self._context.ephemeral_storage.exceeded_limit(pod)
            except RuntimeUnavailable:  # PodWorkers logs it once for all pods
                continue
            except (OSError, RuntimeFailure) as error:
                log.warning("pod %s: its use of the disk cannot be measured: %s", self._name(), error)
                continue
            if exceeded:
                self.end(PodOutcome("Failed", "Evicted", exceeded), EVICTED_GRACE_S)

    async def _do(self, pod: pod_pb2.Pod | None, observed: ObservedPod, action: Action) -> None:
        runtime, notes = self._context.runtime, self._notes
        if (
            pod is not None
            and notes.terminating_since is not None
            and isinstance(action, RemoveSandbox | RemoveContainer)
        ):
            await self._write_last_status()
        match action:
            case RunSandbox() if pod is not None:
                await self._startup.run_sandbox(pod, action)
            case StartContainer() if pod is not None and observed.sandbox is not None:
                await self._startup.start_container(pod, observed.sandbox, action)
            case StopContainer():
                self._termination.stop(pod, observed, action)
            case StopSandbox():
                self._context.volumes.release_claims(self.uid)
                await runtime.stop_sandbox(action.id)
                notes.stopped_sandboxes.add(action.id)
                if notes.terminating_since is not None:
                    await self._release_volumes()
                    await asyncio.to_thread(self._context.volumes.remove_volumes, self.uid)
            case RemoveSandbox():
                await runtime.remove_sandbox(action.id)
            case RemoveContainer():
                await runtime.remove_container(action.id)
                removed = next(run for run in observed.containers if run.id == action.id)
                log_files.remove(Path(removed.log_path))
            case Finish():
                await self._finish(pod, observed)
            case _:
                raise AssertionError(f"{action} for a pod that the API does not know")

    async def _finish(self, pod: pod_pb2.Pod | None, observed: ObservedPod) -> None:
        """Nothing of the pod runs: frees what it used on the node, then deletes it from the API."""
        if pod is not None:
            await self._write_last_status()
        await self._release_volumes()
        await self._context.cgroups.remove(self.uid)
        await asyncio.to_thread(_remove_logs, self.uid)
        # The directory goes last: it shows a kubelet that is restarted in between that something of the pod is left.
        await asyncio.to_thread(self._context.volumes.remove, self.uid)
        if self._pods.is_static(self.uid):
            self._pods.finished(self.uid)
        elif pod is not None:
            await self._delete_from_api(pod)
        self._done = True

    async def _delete_from_api(self, pod: pod_pb2.Pod) -> None:
        name, namespace = pod.metadata.name, pod.metadata.namespace
        try:
            await self._context.client.delete(pod_pb2.Pod, name, namespace, grace_period_s=0, uid=self.uid)
        except (NotFound, Conflict) as error:  # gone already, or replaced by one of the same name
            log.debug("pod %s: %s", self._name(), error)

    async def _release_volumes(self) -> None:
        """Nothing of the pod runs: what others have mounted for it is theirs again."""
        await self._context.csi.release(self.uid)
        await self._context.image_volumes.release(self.uid)

    async def _write_last_status(self) -> None:
        """Called before containers are removed: afterwards nobody knows how the pod ended. Raises OSError. Static pods
        end whether or not there is an API server."""
        if not self._pods.is_static(self.uid) and not await self._status_writer.flush(FLUSH_TIMEOUT_S):
            raise OSError("its last status cannot be written")

    async def _sleep(self, delay_s: float) -> None:
        try:
            async with asyncio.timeout(None if delay_s == FOREVER else delay_s):
                await self._wake_event.wait()
        except TimeoutError:
            return

    def _event(self, event_type: str, reason: str, message: str, *, container: str = "") -> None:
        """Records an Event of the container, or of the pod when no container is named."""
        pod = self._api_pod()
        if pod is not None:
            path = podspec.field_path(pod, container) if container else ""
            self._context.recorder.event(pod, event_type, reason, message, field_path=path)

    def _count_probe(self, container: str, kind: str, result: str) -> None:
        pod = self._api_pod()
        if pod is not None:
            at = pod.metadata
            self._context.figures.probes.add(kind, result, container, at.name, at.namespace, at.uid)

    def _warn(self, reason: str, message: str) -> None:
        self._event("Warning", reason, message)

    def _name(self) -> str:
        pod = self._api_pod()
        return f"{pod.metadata.namespace}/{pod.metadata.name}" if pod is not None else self.uid


def _is_terminating(pod: pod_pb2.Pod | None, observed: ObservedPod, now: float) -> bool:
    if pod is None or pod.metadata.HasField("deletionTimestamp"):
        return True
    return pod_outcome.outcome(pod, observed, now) is not None


def _remove_logs(uid: str) -> None:
    for directory in log_files.LOG_ROOT.glob(f"*_{uid}"):
        file_tree.remove(directory)
