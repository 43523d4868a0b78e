"""Probes of one pod's running containers.

Rules as in https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/:
all begin after the postStart hook, liveness and readiness once the startup probe passed. A failed startup or liveness
probe stops the container; a failed readiness probe makes it unready. A terminating pod has only readiness probes.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from node.kubelet.cri.runtime import CommandRunner, Container, ObservedPod, RuntimeUnavailable
from node.kubelet.pod import podspec
from node.kubelet.pod.callbacks import PodCallbacks
from node.kubelet.pod.pod_notes import KillReason, PodNotes
from node.kubelet.probes import handlers
from node.kubelet.probes.handlers import HandlerResult, HandlerTarget
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

# Until a container is ready for the first time it is probed more often than its period says, for a quick start.
# Kubernetes' page on probes allows it.
FIRST_PERIODS_S = (0.1, 0.2, 0.3, 0.5, 1.0, 1.0, 2.0)


@dataclass
class ResultStreak:
    """Counts equal results in a row. `result` changes only when a threshold is reached."""

    result: bool | None = None
    last: bool | None = None
    length: int = 0

    def add(self, success: bool | None, probe: pod_pb2.Probe) -> bool:
        """Counts one try of the probe, which is None when its result is unknown. True when `result` changed."""
        if success is None:
            return False
        self.length = self.length + 1 if success == self.last else 1
        self.last = success
        threshold = max(1, probe.successThreshold) if success else max(1, probe.failureThreshold or 3)
        if self.length < threshold or self.result == success:
            return False
        self.result = success
        return True


class ProbeType(enum.StrEnum):
    """As Events name it."""

    STARTUP = "Startup"
    LIVENESS = "Liveness"
    READINESS = "Readiness"


CountProbe = Callable[[str, str, str], None]
"""Of a container's name: the kind of probe, and its result."""


class ProbeManager:
    """`sync` starts and ends the loops. Results go to the pod's notes, and the worker is woken."""

    def __init__(
        self, runtime: CommandRunner, notes: PodNotes, callbacks: PodCallbacks, count: CountProbe = lambda *_: None
    ) -> None:
        self._runtime = runtime
        self._notes = notes
        self._callbacks = callbacks
        self._count = count
        self._loops: dict[tuple[str, ProbeType], asyncio.Task[None]] = {}

    def sync(self, pod: pod_pb2.Pod, observed: ObservedPod, host_ip: str) -> None:
        """Keeps one loop for each probe that a running container has now."""
        wanted: dict[tuple[str, ProbeType], tuple[HandlerTarget, Container]] = {}
        for run in observed.alive:
            spec = podspec.container_named(pod, run.name)
            if spec is not None and self._notes.post_start_finished(spec, run):
                self._skip_missing_probes(spec, run)
                target = HandlerTarget(run.id, spec, handlers.pod_address(pod, observed, host_ip))
                wanted.update({(run.id, kind): (target, run) for kind in self._probe_types(spec, run)})
        for at in self._loops.keys() - wanted.keys():
            self._loops.pop(at).cancel()
        for at in wanted.keys() - self._loops.keys():
            self._loops[at] = asyncio.create_task(self._probe(at[1], *wanted[at]))

    @property
    def running(self) -> frozenset[tuple[str, ProbeType]]:
        """The probes that have a loop now, by container id."""
        return frozenset(self._loops)

    def stop(self) -> None:
        for loop in self._loops.values():
            loop.cancel()
        self._loops.clear()

    def _skip_missing_probes(self, spec: pod_pb2.Container, run: Container) -> None:
        if not spec.HasField("startupProbe"):
            self._notes.started.add(run.id)
        if run.id in self._notes.started and not spec.HasField("readinessProbe"):
            self._notes.ready[run.id] = True

    def _probe_types(self, spec: pod_pb2.Container, run: Container) -> Iterator[ProbeType]:
        """A container that is about to end has no startup and liveness probes any more."""
        notes = self._notes
        is_ending = notes.terminating_since is not None or run.id in notes.stopping or run.id in notes.to_kill
        if run.id not in notes.started:
            if spec.HasField("startupProbe") and not is_ending:
                yield ProbeType.STARTUP
            return
        if spec.HasField("livenessProbe") and not is_ending:
            yield ProbeType.LIVENESS
        if spec.HasField("readinessProbe"):
            yield ProbeType.READINESS

    async def _probe(self, kind: ProbeType, target: HandlerTarget, run: Container) -> None:
        match kind:
            case ProbeType.STARTUP:
                await self._run_startup_probe(target, run)
            case ProbeType.LIVENESS:
                await self._run_liveness_probe(target, run)
            case ProbeType.READINESS:
                await self._run_readiness_probe(target, run)

    async def _run_startup_probe(self, target: HandlerTarget, run: Container) -> None:
        probe = target.container.startupProbe
        if await self._await_result(ProbeType.STARTUP, probe, target, run, ResultStreak()):
            self._notes.started.add(run.id)
            self._callbacks.wake_worker()
        else:
            self._kill(target, probe, ProbeType.STARTUP)

    async def _run_liveness_probe(self, target: HandlerTarget, run: Container) -> None:
        probe = target.container.livenessProbe
        await self._await_result(ProbeType.LIVENESS, probe, target, run, ResultStreak(result=True))
        self._kill(target, probe, ProbeType.LIVENESS)

    async def _await_result(
        self, kind: ProbeType, probe: pod_pb2.Probe, target: HandlerTarget, run: Container, streak: ResultStreak
    ) -> bool:
        """Probes until the result changes, and returns the new one."""
        await asyncio.sleep(_delay_s(probe, run))
        while True:
            if streak.add(await self._try(target, probe, kind), probe):
                return bool(streak.result)
            await asyncio.sleep(_period_s(probe))

    async def _run_readiness_probe(self, target: HandlerTarget, run: Container) -> None:
        # The result from before a restart of the kubelet stays until the probe has another one.
        probe, streak = target.container.readinessProbe, ResultStreak(self._notes.ready.get(target.container_id))
        await asyncio.sleep(_delay_s(probe, run))
        first_periods = iter(FIRST_PERIODS_S if streak.result is None else ())
        period_s = next(first_periods, None)
        while True:
            if streak.add(await self._try(target, probe, ProbeType.READINESS, quiet=period_s is not None), probe):
                self._notes.ready[target.container_id] = bool(streak.result)
                self._callbacks.wake_worker()
            # After the first success the probe has its own period, also when the threshold wants more successes.
            period_s = next(first_periods, None) if period_s is not None and not streak.last else None
            await asyncio.sleep(min(_period_s(probe), period_s) if period_s is not None else _period_s(probe))

    def _kill(self, target: HandlerTarget, probe: pod_pb2.Probe, kind: ProbeType) -> None:
        grace_s = probe.terminationGracePeriodSeconds if probe.HasField("terminationGracePeriodSeconds") else None
        message = f"Container {target.container.name} failed {kind.lower()} probe, will be restarted"
        self._notes.to_kill[target.container_id] = KillReason(message, grace_s)
        self._callbacks.wake_worker()

    async def _try(
        self, target: HandlerTarget, probe: pod_pb2.Probe, kind: ProbeType, *, quiet: bool = False
    ) -> bool | None:
        """None when the result is unknown, which is neither success nor failure."""
        try:
            result = await self._run_handler(target, probe)
        except RuntimeUnavailable as error:  # PodWorkers logs it once for all pods
            log.debug("%s probe of container %s: %s", kind, target.container_id, error)
            return None
        name = target.container.name
        self._count(name, kind, "unknown" if result.unknown else "successful" if result.success else "failed")
        if result.unknown:
            message = f"{kind} probe errored and resulted in unknown state: {result.output}"
            self._callbacks.event("Warning", "Unhealthy", message, container=name)
            return None
        if result.warning:
            self._callbacks.event("Warning", "ProbeWarning", f"{kind} probe warning: {result.output}", container=name)
        elif not result.success and not quiet:
            self._callbacks.event("Warning", "Unhealthy", f"{kind} probe failed: {result.output}", container=name)
        return result.success

    async def _run_handler(self, target: HandlerTarget, probe: pod_pb2.Probe) -> HandlerResult:
        handler, timeout_s = probe.handler, max(1, probe.timeoutSeconds)
        if handler.HasField("exec"):
            return await handlers.exec_command(self._runtime, target, handler.exec, timeout_s)
        if handler.HasField("httpGet"):
            return await handlers.http_probe(target, handler.httpGet, timeout_s)
        if handler.HasField("tcpSocket"):
            return await handlers.tcp_socket(target, handler.tcpSocket, timeout_s)
        return await handlers.grpc_health(target, handler.grpc, timeout_s)


def _delay_s(probe: pod_pb2.Probe, run: Container) -> float:
    """What is left of the initial delay, which counts from the container's start, also for a restarted kubelet."""
    return max(0.0, run.started_ns / 1e9 + probe.initialDelaySeconds - time.time())


def _period_s(probe: pod_pb2.Probe) -> int:
    return max(1, probe.periodSeconds or 10)
