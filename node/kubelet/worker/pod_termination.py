"""Stops a pod's containers: preStop hook first, then the runtime, both within the grace period."""

from __future__ import annotations

import asyncio
import logging
import time

from node.kubelet.cri.runtime import ObservedPod, RuntimeFailure, RuntimeUnavailable
from node.kubelet.pod import podspec
from node.kubelet.pod.actions import StopContainer
from node.kubelet.pod.callbacks import PodCallbacks
from node.kubelet.pod.pod_notes import PodNotes
from node.kubelet.probes import handlers, lifecycle_hooks
from node.kubelet.probes.handlers import HandlerTarget
from node.kubelet.worker.context import NodeContext
from podlab.api.pods import signals
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

# For the container itself, when its hook used up the grace period.
MIN_GRACE_S = 2
RETRY_S = 1.0


class PodTermination:
    """Of one pod. `stop` begins a stop and returns. A stop with a shorter grace period replaces the one that runs."""

    def __init__(self, context: NodeContext, notes: PodNotes, callbacks: PodCallbacks) -> None:
        self._context = context
        self._notes = notes
        self._callbacks = callbacks
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def stop(self, pod: pod_pb2.Pod | None, observed: ObservedPod, action: StopContainer) -> None:
        earlier = self._tasks.pop(action.id, None)
        if earlier is None and pod is not None:
            self._callbacks.event("Normal", "Killing", action.message, container=action.name)
        if earlier is not None:
            earlier.cancel()
        self._notes.stopping[action.id] = time.time() + action.grace_s
        hook = self._hook(pod, observed, action) if earlier is None else None
        self._tasks[action.id] = asyncio.create_task(self._stop(action, hook, _signal(pod, action)))

    def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    def _hook(self, pod: pod_pb2.Pod | None, observed: ObservedPod, action: StopContainer) -> HandlerTarget | None:
        spec = podspec.container_named(pod, action.name) if pod is not None else None
        if pod is None or spec is None or not spec.lifecycle.HasField("preStop"):
            return None
        return HandlerTarget(action.id, spec, handlers.pod_address(pod, observed, self._context.node_ips[0]))

    async def _stop(self, action: StopContainer, hook: HandlerTarget | None, signal: int) -> None:
        began = time.monotonic()
        if hook is not None:
            await self._pre_stop(hook, action.grace_s)
        try:
            await self._stop_within(action, began, hook is not None, signal)
        except RuntimeFailure as error:
            log.warning("container %s cannot be stopped: %s; will be tried again", action.name, error)
            await asyncio.sleep(RETRY_S)
        # The container has ended, or the worker decides to stop it again.
        self._notes.stopping.pop(action.id, None)
        self._tasks.pop(action.id, None)
        self._callbacks.wake_worker()

    async def _stop_within(self, action: StopContainer, began: float, has_hook: bool, signal: int) -> None:
        """Asks until the runtime answers. While it does not, the hook is not run again."""
        while True:
            left_s = action.grace_s - (time.monotonic() - began)
            try:
                grace_s = max(MIN_GRACE_S, int(left_s)) if has_hook else action.grace_s
                await self._context.runtime.stop_container(action.id, grace_s, signal)
                return
            except RuntimeUnavailable as error:
                log.debug("container %s cannot be stopped: %s; will be tried again", action.name, error)
                has_hook = True  # from now on the elapsed time counts
                await asyncio.sleep(RETRY_S)

    async def _pre_stop(self, target: HandlerTarget, grace_s: int) -> None:
        try:
            async with asyncio.timeout(grace_s):
                handler = target.container.lifecycle.preStop
                result = await lifecycle_hooks.run_hook(self._context.runtime, target, handler, grace_s)
        except TimeoutError:
            return
        if not result.success:
            log.info("preStop hook of container %s failed", target.container.name)
            # The Event leaves out the output of the hook, as in Kubernetes: it may be a secret.
            self._callbacks.event("Warning", "FailedPreStopHook", "PreStopHook failed", container=target.container.name)


def _signal(pod: pod_pb2.Pod | None, action: StopContainer) -> int:
    """The one that the container says; 0 for that of its image."""
    spec = podspec.container_named(pod, action.name) if pod is not None else None
    return signals.number(spec.lifecycle.stopSignal) if spec is not None else 0
