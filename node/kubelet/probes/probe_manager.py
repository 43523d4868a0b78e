"""Probes of one pod's running containers.

Rules as in https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/:
all begin after the postStart hook, liveness and readiness once the startup probe passed; a failed startup or liveness
probe dooms the container; a failed readiness probe makes it unready. While a pod ends only readiness is asked for.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

from node.kubelet.cri.runtime import Container, ObservedPod, Runtime, RuntimeUnavailable
from node.kubelet.pod import podspec
from node.kubelet.pod.callbacks import Voice
from node.kubelet.pod.pod_notes import Doom, Memory
from node.kubelet.probes import handlers
from node.kubelet.probes.handlers import Answer, Place
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

# A container that is not ready yet is asked more often than its period says, for a quick start; Kubernetes' page on
# probes allows it.
EAGER_S = (0.1, 0.2, 0.3, 0.5, 1.0, 1.0, 2.0)


@dataclass
class Streak:
    """Counts equal results in a row; `verdict` changes only when a threshold is reached."""

    verdict: bool | None = None
    last: bool | None = None
    length: int = 0

    def add(self, good: bool | None, probe: pod_pb2.Probe) -> bool:
        """Takes in a result, or None when there is none; True when the verdict changed."""
        if good is None:
            return False
        self.length = self.length + 1 if good == self.last else 1
        self.last = good
        threshold = max(1, probe.successThreshold) if good else max(1, probe.failureThreshold or 3)
        if self.length < threshold or self.verdict == good:
            return False
        self.verdict = good
        return True


class Kind(enum.StrEnum):
    """What a probe is asked for, as Events call it."""

    STARTUP = "Startup"
    LIVENESS = "Liveness"
    READINESS = "Readiness"


class Probes:
    """`sync` starts and ends the loops; results go to the pod's memory, and `changed` is called."""

    def __init__(self, runtime: Runtime, memory: Memory, voice: Voice) -> None:
        self._runtime = runtime
        self._memory = memory
        self._voice = voice
        self._loops: dict[tuple[str, Kind], asyncio.Task[None]] = {}

    def sync(self, pod: pod_pb2.Pod, observed: ObservedPod, host_ip: str) -> None:
        """One loop for each probe that a running container has to answer now."""
        wanted: dict[tuple[str, Kind], tuple[Place, Container]] = {}
        for run in observed.alive:
            spec = podspec.container_named(pod, run.name)
            if spec is not None and self._memory.is_up(spec, run):
                self._need_no_probe(spec, run)
                place = Place(run.id, spec, handlers.address(pod, observed, host_ip))
                wanted.update({(run.id, kind): (place, run) for kind in self._kinds(spec, run)})
        for at in self._loops.keys() - wanted.keys():
            self._loops.pop(at).cancel()
        for at in wanted.keys() - self._loops.keys():
            self._loops[at] = asyncio.create_task(self._probe(at[1], *wanted[at]))

    def stop(self) -> None:
        for loop in self._loops.values():
            loop.cancel()
        self._loops.clear()

    def _need_no_probe(self, spec: pod_pb2.Container, run: Container) -> None:
        if not spec.HasField("startupProbe"):
            self._memory.started.add(run.id)
        if run.id in self._memory.started and not spec.HasField("readinessProbe"):
            self._memory.ready[run.id] = True

    def _kinds(self, spec: pod_pb2.Container, run: Container) -> Iterator[Kind]:
        """Readiness is asked for as long as the container runs; the others not of one that is to end anyway."""
        memory = self._memory
        ends = memory.ending_since is not None or run.id in memory.stopping or run.id in memory.doomed
        if run.id not in memory.started:
            if spec.HasField("startupProbe") and not ends:
                yield Kind.STARTUP
            return
        if spec.HasField("livenessProbe") and not ends:
            yield Kind.LIVENESS
        if spec.HasField("readinessProbe"):
            yield Kind.READINESS

    async def _probe(self, kind: Kind, place: Place, run: Container) -> None:
        match kind:
            case Kind.STARTUP:
                await self._start_up(place, run)
            case Kind.LIVENESS:
                await self._live(place, run)
            case Kind.READINESS:
                await self._readiness(place, run)

    async def _start_up(self, place: Place, run: Container) -> None:
        probe = place.container.startupProbe
        if await self._verdict(Kind.STARTUP, probe, place, run, Streak()):
            self._memory.started.add(run.id)
            self._voice.changed()
        else:
            self._doom(place, probe, Kind.STARTUP)

    async def _live(self, place: Place, run: Container) -> None:
        probe = place.container.livenessProbe
        await self._verdict(Kind.LIVENESS, probe, place, run, Streak(verdict=True))
        self._doom(place, probe, Kind.LIVENESS)

    async def _verdict(self, kind: Kind, probe: pod_pb2.Probe, place: Place, run: Container, streak: Streak) -> bool:
        """Asks until the verdict changes, and returns the new one."""
        await asyncio.sleep(_delay_s(probe, run))
        while True:
            if streak.add(await self._ask(place, probe, kind), probe):
                return bool(streak.verdict)
            await asyncio.sleep(_period_s(probe))

    async def _readiness(self, place: Place, run: Container) -> None:
        # What the kubelet knew before its own restart stands until the probe says otherwise.
        probe, streak = place.container.readinessProbe, Streak(self._memory.ready.get(place.container_id))
        await asyncio.sleep(_delay_s(probe, run))
        eager = iter(EAGER_S if streak.verdict is None else ())
        soon = next(eager, None)
        while True:
            if streak.add(await self._ask(place, probe, Kind.READINESS, quiet=soon is not None), probe):
                self._memory.ready[place.container_id] = bool(streak.verdict)
                self._voice.changed()
            # Only the first success is asked for eagerly; those that a threshold wants beyond it come in their time.
            soon = next(eager, None) if soon is not None and not streak.last else None
            await asyncio.sleep(min(_period_s(probe), soon) if soon is not None else _period_s(probe))

    def _doom(self, place: Place, probe: pod_pb2.Probe, kind: Kind) -> None:
        grace_s = probe.terminationGracePeriodSeconds if probe.HasField("terminationGracePeriodSeconds") else None
        message = f"Container {place.container.name} failed {kind.lower()} probe, will be restarted"
        self._memory.doomed[place.container_id] = Doom(message, grace_s)
        self._voice.changed()

    async def _ask(self, place: Place, probe: pod_pb2.Probe, kind: Kind, *, quiet: bool = False) -> bool | None:
        """None when nothing is known: that is neither success nor failure."""
        try:
            answer = await self._answer(place, probe)
        except RuntimeUnavailable as error:  # told once for all containers, where the node is looked at
            log.debug("%s probe of container %s: %s", kind, place.container_id, error)
            return None
        name = place.container.name
        if answer.unknown:
            told = f"{kind} probe errored and resulted in unknown state: {answer.output}"
            self._voice.event("Warning", "Unhealthy", told, name)
            return None
        if answer.warns:
            self._voice.event("Warning", "ProbeWarning", f"{kind} probe warning: {answer.output}", name)
        elif not answer.good and not quiet:
            self._voice.event("Warning", "Unhealthy", f"{kind} probe failed: {answer.output}", name)
        return answer.good

    async def _answer(self, place: Place, probe: pod_pb2.Probe) -> Answer:
        handler, timeout_s = probe.handler, max(1, probe.timeoutSeconds)
        if handler.HasField("exec"):
            return await handlers.command(self._runtime, place, handler.exec, timeout_s)
        if handler.HasField("httpGet"):
            return await handlers.http_probe(place, handler.httpGet, timeout_s)
        if handler.HasField("tcpSocket"):
            return await handlers.tcp(place, handler.tcpSocket, timeout_s)
        return await handlers.grpc_health(place, handler.grpc, timeout_s)


def _delay_s(probe: pod_pb2.Probe, run: Container) -> float:
    """What is left of the initial delay, which counts from the container's start: a kubelet may come later."""
    return max(0.0, run.started_ns / 1e9 + probe.initialDelaySeconds - time.time())


def _period_s(probe: pod_pb2.Probe) -> int:
    return max(1, probe.periodSeconds or 10)
