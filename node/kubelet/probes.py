"""Probes of one pod's running containers.

Rules as in https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/:
liveness and readiness begin once the startup probe passed; a failed startup or liveness probe dooms the container; a
failed readiness probe makes it unready.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from node.kubelet import podspec, reach
from node.kubelet.memory import Doom, Memory
from node.kubelet.reach import Answer, Place
from node.kubelet.runtime import Container, ObservedPod, Runtime
from podlab.core.v1 import pod_pb2

# A container that is not ready yet is asked more often than its period says, for a quick start; Kubernetes' page on
# probes allows it.
EAGER_S = (0.1, 0.2, 0.3, 0.5, 1.0, 1.0, 2.0)


@dataclass
class Streak:
    """Counts equal results in a row; `verdict` changes only when a threshold is reached."""

    verdict: bool | None = None
    last: bool | None = None
    length: int = 0

    def add(self, good: bool, probe: pod_pb2.Probe) -> bool:
        """Takes in a result; True when the verdict changed."""
        self.length = self.length + 1 if good == self.last else 1
        self.last = good
        threshold = max(1, probe.successThreshold) if good else max(1, probe.failureThreshold or 3)
        if self.length < threshold or self.verdict == good:
            return False
        self.verdict = good
        return True


class Probes:
    """`sync` starts and ends the loops; results go to the pod's memory, and `changed` is called.

    `unhealthy` is told the container's name and what a failed probe said.
    """

    def __init__(
        self, runtime: Runtime, memory: Memory, changed: Callable[[], None], unhealthy: Callable[[str, str], None]
    ) -> None:
        self._runtime = runtime
        self._memory = memory
        self._changed = changed
        self._unhealthy = unhealthy
        self._loops: dict[str, asyncio.Task[None]] = {}

    def sync(self, pod: pod_pb2.Pod, observed: ObservedPod, host_ip: str) -> None:
        """One loop for each running container that has a probe and is not being stopped."""
        wanted = {run.id: run for run in observed.alive if run.id not in self._memory.stopping}
        for container_id in self._loops.keys() - wanted.keys():
            self._loops.pop(container_id).cancel()
        ips = observed.sandbox.ips if observed.sandbox is not None else ()
        for container_id, run in wanted.items():
            spec = podspec.container_named(pod, run.name)
            if spec is None or container_id in self._loops or container_id in self._memory.hooked:
                continue
            # What has no probe needs no waiting for one.
            if not spec.HasField("startupProbe"):
                self._memory.started.add(container_id)
                if not spec.HasField("readinessProbe"):
                    self._memory.ready[container_id] = True
            place = Place(container_id, spec, host_ip if pod.spec.hostNetwork else next(iter(ips), host_ip))
            self._loops[container_id] = asyncio.create_task(self._probe(place, run))

    def stop(self) -> None:
        for loop in self._loops.values():
            loop.cancel()
        self._loops.clear()

    async def _probe(self, place: Place, run: Container) -> None:
        spec = place.container
        if run.id not in self._memory.started:
            if not await self._start_up(place, run):
                return
            self._memory.started.add(run.id)
            if not spec.HasField("readinessProbe"):
                self._memory.ready[run.id] = True
            self._changed()
        async with asyncio.TaskGroup() as group:
            if spec.HasField("livenessProbe"):
                group.create_task(self._live(place, run))
            if spec.HasField("readinessProbe"):
                group.create_task(self._readiness(place, run))

    async def _start_up(self, place: Place, run: Container) -> bool:
        probe, streak = place.container.startupProbe, Streak()
        await asyncio.sleep(_delay_s(probe, run))
        while True:
            if streak.add(await self._ask(place, probe, "Startup"), probe):
                if not streak.verdict:
                    self._doom(place, probe, "startup")
                return bool(streak.verdict)
            await asyncio.sleep(_period_s(probe))

    async def _live(self, place: Place, run: Container) -> None:
        probe, streak = place.container.livenessProbe, Streak(verdict=True)
        await asyncio.sleep(_delay_s(probe, run))
        while True:
            if streak.add(await self._ask(place, probe, "Liveness"), probe):
                self._doom(place, probe, "liveness")
                return
            await asyncio.sleep(_period_s(probe))

    async def _readiness(self, place: Place, run: Container) -> None:
        # What the kubelet knew before its own restart stands until the probe says otherwise.
        probe, streak = place.container.readinessProbe, Streak(self._memory.ready.get(place.container_id))
        await asyncio.sleep(_delay_s(probe, run))
        eager = iter(EAGER_S)
        soon = next(eager, None)
        while True:
            if streak.add(await self._ask(place, probe, "Readiness", quiet=soon is not None), probe):
                self._memory.ready[place.container_id] = bool(streak.verdict)
                self._changed()
            soon = next(eager, None) if not streak.verdict else None
            await asyncio.sleep(min(_period_s(probe), soon) if soon is not None else _period_s(probe))

    def _doom(self, place: Place, probe: pod_pb2.Probe, kind: str) -> None:
        grace_s = probe.terminationGracePeriodSeconds if probe.HasField("terminationGracePeriodSeconds") else None
        message = f"Container {place.container.name} failed {kind} probe, will be restarted"
        self._memory.doomed[place.container_id] = Doom(message, grace_s)
        self._changed()

    async def _ask(self, place: Place, probe: pod_pb2.Probe, kind: str, *, quiet: bool = False) -> bool:
        answer = await self._answer(place, probe)
        if not answer.good and not quiet:
            self._unhealthy(place.container.name, f"{kind} probe failed: {answer.output}")
        return answer.good

    async def _answer(self, place: Place, probe: pod_pb2.Probe) -> Answer:
        handler, timeout_s = probe.handler, max(1, probe.timeoutSeconds)
        if handler.HasField("exec"):
            return await reach.command(self._runtime, place, handler.exec, timeout_s)
        if handler.HasField("httpGet"):
            return await reach.http_get(place, handler.httpGet, timeout_s)
        if handler.HasField("tcpSocket"):
            return await reach.tcp(place, handler.tcpSocket, timeout_s)
        return await reach.grpc_health(place, handler.grpc, timeout_s)


def _delay_s(probe: pod_pb2.Probe, run: Container) -> float:
    """What is left of the initial delay, which counts from the container's start: a kubelet may come later."""
    return max(0.0, run.started_ns / 1e9 + probe.initialDelaySeconds - time.time())


def _period_s(probe: pod_pb2.Probe) -> int:
    return max(1, probe.periodSeconds or 10)
