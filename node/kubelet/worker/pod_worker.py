"""One pod's loop: look, decide, do one action, tell, look again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from node.kubelet.admission.preemption import is_critical
from node.kubelet.cri.runtime import ObservedPod, RuntimeFailure, RuntimeUnavailable, State
from node.kubelet.disk import file_tree
from node.kubelet.logs import log_files
from node.kubelet.pod import decide, pod_outcome, podspec
from node.kubelet.pod.callbacks import Voice
from node.kubelet.pod.decide import (
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
from node.kubelet.pod.pod_notes import FOREVER, Memory
from node.kubelet.pod.pod_outcome import Outcome
from node.kubelet.pod.pod_status import newly_backing_off, pod_status, refused_status
from node.kubelet.probes.lifecycle_hooks import PostStart
from node.kubelet.probes.probe_manager import Probes
from node.kubelet.volume.volume_manager import VolumeError
from node.kubelet.worker.context import NodeContext
from node.kubelet.worker.pod_startup import Starter
from node.kubelet.worker.pod_termination import Stopper
from node.kubelet.worker.status_writer import Report
from node.kubelet.worker.termination_message import termination_message
from podlab.api import usage
from podlab.core.v1 import pod_pb2
from podlab.errors import ApiError, Conflict, NotFound

log = logging.getLogger(__name__)

RETRY_S = 1.0
FLUSH_S = 5.0
SIZES_S = 10.0
# Who fills the disk is not given time to fill it further.
EVICTED_GRACE_S = 1


class Worker:
    """`run` until the pod is gone from API and runtime. `wanted` gives the API's copy, or None."""

    def __init__(self, uid: str, context: NodeContext, wanted: Callable[[], pod_pb2.Pod | None]) -> None:
        self.uid = uid
        self._context = context
        self._wanted = wanted
        self._wake = asyncio.Event()
        self._memory = Memory(accepted=time.time())
        voice = Voice(self._event, self.poke)
        self._starter = Starter(context, self._memory, voice)
        self._stopper = Stopper(context, self._memory, voice)
        self._hooks = PostStart(context.runtime, self._memory, voice)
        self._probes = Probes(context.runtime, self._memory, voice)
        self._report = Report(context.client)
        self._stale_volumes = False
        self._sizes: asyncio.Task[None] | None = None
        # How the node has ended the pod; None while it has not.
        self._outcome: Outcome | None = None
        self._adopted = False
        self._done = False

    def poke(self) -> None:
        """Something may have changed: look again."""
        self._wake.set()

    def sources_changed(self) -> None:
        """A ConfigMap or Secret that the pod uses changed: what waited for it tries again at once."""
        self._stale_volumes = True
        self._memory.release(("FailedMount", "CreateContainerConfigError"))
        self._wake.set()

    def end(self, outcome: Outcome, grace_s: int | None = None) -> None:
        """The pod is to end so, for the node's sake; without grace its containers are given the pod's own.

        One that has ended stays as it is.
        """
        pod = self._wanted()
        if self._outcome is None and pod is not None and not usage.is_over(self._report.base(pod)):
            self._outcome, self._memory.grace_s = outcome, grace_s
            self._warn(outcome.reason, outcome.message)
            self.poke()

    async def run(self) -> None:
        try:
            while not self._done:
                self._wake.clear()
                delay_s = await self._look()
                if delay_s > 0:
                    await self._sleep(delay_s)
        finally:
            self._probes.stop()
            self._hooks.stop()
            self._stopper.close()
            self._report.close()
            if self._sizes is not None:
                self._sizes.cancel()
            self._context.sources.forget(self.uid)
            self._context.tokens.forget(self.uid)
            self._context.places.forget(self.uid)

    async def _look(self) -> float:
        """Does at most one action; returns how long there is nothing to do."""
        try:
            return await self._step()
        except RuntimeUnavailable as error:
            log.debug("pod %s: %s", self._name(), error)  # told once for all pods, where all are looked at
            return RETRY_S
        except (RuntimeFailure, ApiError, VolumeError, OSError) as error:
            log.warning("pod %s: %s: will be tried again", self._name(), error)
            if self._memory.ending_since is not None:
                self._warn("FailedKillPod", f"error killing pod: {error}")
            return RETRY_S
        except Exception:
            log.exception("pod %s: unexpected; will be tried again", self._name())
            return RETRY_S * 5

    async def _step(self) -> float:
        pod = self._wanted()
        observed = await self._context.runtime.pod(self.uid)
        self._take_in(pod, observed)
        now = time.time()
        if pod is not None:
            pod = self._report.base(pod, self._outcome)
            if await self._is_refused(pod, observed):
                return 0.0
        if self._memory.ending_since is None and _is_ending(pod, observed, now):
            self._memory.ending_since = now
            if pod is not None and pod_outcome.is_late(pod, now):
                self._event("Normal", pod_outcome.LATE.reason, pod_outcome.LATE.message, "")
        action = decide.next_action(pod, observed, self._memory, now)
        if pod is None:
            self._probes.stop()
            self._hooks.stop()
        else:
            self._hooks.sync(pod, observed, self._context.node_ip)
            self._probes.sync(pod, observed, self._context.node_ip)
            status = pod_status(pod, observed, self._memory, now=now, host_ip=self._context.node_ip)
            self._report.report(self._wanted() or pod, status)
            for name in newly_backing_off(pod.status, status):
                message = f"Back-off restarting failed container {name} in pod {podspec.full_name(pod)}"
                self._event("Warning", "BackOff", message, name)
        if isinstance(action, Wait):
            if pod is not None and self._stale_volumes and observed.alive:
                await self._refresh_volumes(pod)
            return action.until - now
        await self._do(pod, observed, action)
        return 0.0

    async def _is_refused(self, pod: pod_pb2.Pod, observed: ObservedPod) -> bool:
        """Whether the node has no place for the pod, which has failed then without having begun."""
        if (
            observed.sandboxes
            or observed.containers
            or usage.is_over(pod)
            or pod.metadata.HasField("deletionTimestamp")
        ):
            return False
        outcome = await self._context.places.ask(pod)
        if outcome is None:
            return False
        self._warn(outcome.reason, outcome.message)
        self._report.report(self._wanted() or pod, refused_status(pod, outcome, time.time()))
        return True

    def _take_in(self, pod: pod_pb2.Pod | None, observed: ObservedPod) -> None:
        """Brings the memory up to what is there."""
        memory = self._memory
        memory.forget({run.id for run in observed.containers})
        memory.released &= {sandbox.id for sandbox in observed.sandboxes}
        if pod is None:
            return
        if not self._adopted:
            self._adopted = True
            self._adopt(pod, observed)
            if self._context.sizes.are_limited(pod) and not is_critical(pod):
                self._sizes = asyncio.create_task(self._watch_sizes())
        for run in observed.containers:
            if run.state is State.EXITED and run.id not in memory.messages:
                memory.messages[run.id] = termination_message(run, self._context.volumes, self.uid)

    def _adopt(self, pod: pod_pb2.Pod, observed: ObservedPod) -> None:
        """Containers that ran before this kubelet are what the API says of them, until a probe says otherwise."""
        alive = {f"containerd://{run.id}": run.id for run in observed.alive}
        for status in (*pod.status.initContainerStatuses, *pod.status.containerStatuses):
            container_id = alive.get(status.containerID)
            if container_id is not None and status.started:
                self._memory.hooked.add(container_id)
                self._memory.started.add(container_id)
                self._memory.ready[container_id] = status.ready
        # What they mount is followed by this kubelet from now on.
        self._stale_volumes = bool(alive and pod.spec.volumes)

    async def _refresh_volumes(self, pod: pod_pb2.Pod) -> None:
        try:
            await self._starter.refresh_volumes(pod)
        except VolumeError as error:  # a ConfigMap that went while it is mounted: what is mounted stays
            self._warn("FailedMount", str(error))
        self._stale_volumes = False

    async def _watch_sizes(self) -> None:
        """Evicts the pod once it takes more of the disk than it may."""
        while self._outcome is None:
            await asyncio.sleep(SIZES_S)
            pod = self._wanted()
            if pod is None or usage.is_over(pod):
                return
            try:
                exceeded = await self._context.sizes.exceeded(pod)
            except RuntimeUnavailable:  # told once for all pods, where all are looked at
                continue
            except (OSError, RuntimeFailure) as error:
                log.warning("pod %s: what it takes of the disk is not known: %s", self._name(), error)
                continue
            if exceeded:
                self.end(Outcome("Failed", "Evicted", exceeded), EVICTED_GRACE_S)

    async def _do(self, pod: pod_pb2.Pod | None, observed: ObservedPod, action: Action) -> None:
        runtime, memory = self._context.runtime, self._memory
        if pod is not None and memory.ending_since is not None and isinstance(action, RemoveSandbox | RemoveContainer):
            await self._write_last_status()
        match action:
            case RunSandbox() if pod is not None:
                await self._starter.run_sandbox(pod, action)
            case StartContainer() if pod is not None and observed.sandbox is not None:
                await self._starter.start_container(pod, observed.sandbox, action)
            case StopContainer():
                self._stopper.stop(pod, observed, action)
            case StopSandbox():
                self._context.volumes.release(self.uid)
                await runtime.stop_sandbox(action.id)
                memory.released.add(action.id)
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
        """Nothing of the pod runs: frees what it used on the node, then lets the API forget it."""
        if pod is not None:
            await self._write_last_status()
        await asyncio.to_thread(_remove_logs, self.uid)
        # Last: by its directory a kubelet that is restarted in between knows that something of the pod is left.
        await asyncio.to_thread(self._context.volumes.remove, self.uid)
        if pod is not None:
            metadata = pod.metadata
            try:
                await self._context.client.delete(
                    pod_pb2.Pod, metadata.name, metadata.namespace, grace_period_s=0, uid=self.uid
                )
            except (NotFound, Conflict) as error:  # gone already, or replaced by one of the same name
                log.debug("pod %s: %s", self._name(), error)
        self._done = True

    async def _write_last_status(self) -> None:
        """Before what it tells of is removed: afterwards nobody can say how the pod ended. Raises OSError."""
        if not await self._report.flush(FLUSH_S):
            raise OSError("its last status cannot be written")

    async def _sleep(self, delay_s: float) -> None:
        try:
            async with asyncio.timeout(None if delay_s == FOREVER else delay_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _event(self, event_type: str, reason: str, message: str, container: str) -> None:
        """Tells something of the container, or with no name of the pod."""
        pod = self._wanted()
        if pod is not None:
            path = podspec.field_path(pod, container) if container else ""
            self._context.recorder.event(pod, event_type, reason, message, field_path=path)

    def _warn(self, reason: str, message: str) -> None:
        self._event("Warning", reason, message, "")

    def _name(self) -> str:
        pod = self._wanted()
        return f"{pod.metadata.namespace}/{pod.metadata.name}" if pod is not None else self.uid


def _is_ending(pod: pod_pb2.Pod | None, observed: ObservedPod, now: float) -> bool:
    if pod is None or pod.metadata.HasField("deletionTimestamp"):
        return True
    return pod_outcome.outcome(pod, observed, now) is not None


def _remove_logs(uid: str) -> None:
    for directory in log_files.LOG_ROOT.glob(f"*_{uid}"):
        file_tree.remove(directory)
