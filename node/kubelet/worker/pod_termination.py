"""Stops a pod's containers: preStop hook first, then the runtime, both within the grace period."""

from __future__ import annotations

import asyncio
import logging
import time

from node.kubelet.cri.runtime import ObservedPod, RuntimeFailure, RuntimeUnavailable
from node.kubelet.pod import podspec
from node.kubelet.pod.callbacks import Voice
from node.kubelet.pod.decide import StopContainer
from node.kubelet.pod.pod_notes import Memory
from node.kubelet.probes import handlers, lifecycle_hooks
from node.kubelet.probes.handlers import Place
from node.kubelet.worker.context import NodeContext
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

# What the container itself is given when its hook used up the grace.
LEAST_S = 2
RETRY_S = 1.0


class Stopper:
    """Of one pod. `stop` begins it and returns; a stop with less grace replaces the one that runs."""

    def __init__(self, context: NodeContext, memory: Memory, voice: Voice) -> None:
        self._context = context
        self._memory = memory
        self._voice = voice
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def stop(self, pod: pod_pb2.Pod | None, observed: ObservedPod, action: StopContainer) -> None:
        earlier = self._tasks.pop(action.id, None)
        if earlier is None and pod is not None:
            self._voice.event("Normal", "Killing", action.message, action.name)
        if earlier is not None:
            earlier.cancel()
        self._memory.stopping[action.id] = time.time() + action.grace_s
        hook = self._hook(pod, observed, action) if earlier is None else None
        self._tasks[action.id] = asyncio.create_task(self._stop(action, hook))

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    def _hook(self, pod: pod_pb2.Pod | None, observed: ObservedPod, action: StopContainer) -> Place | None:
        spec = podspec.container_named(pod, action.name) if pod is not None else None
        if pod is None or spec is None or not spec.lifecycle.HasField("preStop"):
            return None
        return Place(action.id, spec, handlers.address(pod, observed, self._context.node_ip))

    async def _stop(self, action: StopContainer, hook: Place | None) -> None:
        began = time.monotonic()
        if hook is not None:
            await self._pre_stop(hook, action.grace_s)
        try:
            await self._stop_within(action, began, hook is not None)
        except RuntimeFailure as error:
            log.warning("container %s cannot be stopped: %s; will be tried again", action.name, error)
            await asyncio.sleep(RETRY_S)
        # Ended, or to be asked again: the next look tells which.
        self._memory.stopping.pop(action.id, None)
        self._tasks.pop(action.id, None)
        self._voice.changed()

    async def _stop_within(self, action: StopContainer, began: float, hooked: bool) -> None:
        """Asks until the runtime answers: its silence is no reason to begin anew, with the hook once more."""
        while True:
            left_s = action.grace_s - (time.monotonic() - began)
            try:
                grace_s = max(LEAST_S, int(left_s)) if hooked else action.grace_s
                await self._context.runtime.stop_container(action.id, grace_s)
                return
            except RuntimeUnavailable as error:
                log.debug("container %s cannot be stopped: %s; will be tried again", action.name, error)
                hooked = True  # the time counts that the runtime was away
                await asyncio.sleep(RETRY_S)

    async def _pre_stop(self, place: Place, grace_s: int) -> None:
        try:
            async with asyncio.timeout(grace_s):
                handler = place.container.lifecycle.preStop
                answer = await lifecycle_hooks.run_hook(self._context.runtime, place, handler, grace_s)
        except TimeoutError:
            return
        if not answer.good:
            log.info("preStop hook of container %s failed", place.container.name)
            # Kubernetes leaves out of the event what the hook said: it may be a secret.
            self._voice.event("Warning", "FailedPreStopHook", "PreStopHook failed", place.container.name)
