"""postStart and preStop hooks (https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/)."""

from __future__ import annotations

import asyncio
import logging

from node.kubelet.cri.runtime import CommandRunner, ObservedPod, RuntimeUnavailable
from node.kubelet.pod import podspec
from node.kubelet.pod.callbacks import PodCallbacks
from node.kubelet.pod.pod_notes import KillReason, PodNotes
from node.kubelet.probes import handlers
from node.kubelet.probes.handlers import HandlerResult, HandlerTarget
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

# While the runtime does not answer.
RETRY_S = 1.0
# A hook without a limit of its own.
NO_LIMIT = 0


async def run_hook(
    runtime: CommandRunner,
    target: HandlerTarget,
    handler: pod_pb2.LifecycleHandler,
    timeout_s: int,
    *,
    retry_s: float = RETRY_S,
) -> HandlerResult:
    """Runs a hook to its end. With NO_LIMIT it may take for ever.

    While the runtime does not answer, the hook is tried again: it may run more than once.
    """
    while True:
        try:
            return await _run(runtime, target, handler, timeout_s)
        except RuntimeUnavailable as error:
            log.debug("hook of container %s: %s", target.container_id, error)
            await asyncio.sleep(retry_s)


async def _run(
    runtime: CommandRunner, target: HandlerTarget, handler: pod_pb2.LifecycleHandler, timeout_s: int
) -> HandlerResult:
    if handler.HasField("exec"):
        return await handlers.exec_command(runtime, target, handler.exec, timeout_s)
    if handler.HasField("httpGet"):
        return await handlers.http_hook(target, handler.httpGet, timeout_s or None)
    if handler.HasField("sleep"):
        await asyncio.sleep(min(handler.sleep.seconds, timeout_s or handler.sleep.seconds))
        return HandlerResult(True)
    return await handlers.tcp_socket(target, handler.tcpSocket, timeout_s or None)


class PostStartHooks:
    """The postStart hooks of one pod. `sync` starts those that have to run; their results go to the pod's notes.

    A kubelet that was restarted before a hook's end runs the hook again, as Kubernetes' page on hooks allows.
    """

    def __init__(
        self, runtime: CommandRunner, notes: PodNotes, callbacks: PodCallbacks, *, retry_s: float = RETRY_S
    ) -> None:
        self._retry_s = retry_s
        self._runtime = runtime
        self._notes = notes
        self._callbacks = callbacks
        self._running: dict[str, asyncio.Task[None]] = {}

    def sync(self, pod: pod_pb2.Pod, observed: ObservedPod, host_ip: str) -> None:
        """Keeps one task for each running container whose hook is not done."""
        alive = {run.id: run for run in observed.alive}
        for container_id in self._running.keys() - alive.keys():
            self._running.pop(container_id).cancel()
        if self._notes.terminating_since is not None:
            return
        excluded = self._running.keys() | self._notes.post_start_failures.keys() | self._notes.stopping.keys()
        for container_id in alive.keys() - excluded:
            spec = podspec.container_named(pod, alive[container_id].name)
            if spec is not None and not self._notes.post_start_finished(spec, alive[container_id]):
                target = HandlerTarget(container_id, spec, handlers.pod_address(pod, observed, host_ip))
                self._running[container_id] = asyncio.create_task(self._post_start(pod, target))

    def stop(self) -> None:
        for task in self._running.values():
            task.cancel()
        self._running.clear()

    async def _post_start(self, pod: pod_pb2.Pod, target: HandlerTarget) -> None:
        try:
            result = await run_hook(
                self._runtime, target, target.container.lifecycle.postStart, NO_LIMIT, retry_s=self._retry_s
            )
        except Exception as error:  # or the container would wait for its hook for ever
            log.exception("postStart hook of container %s", target.container_id)
            result = HandlerResult(False, str(error))
        if result.success:
            self._notes.post_start_done.add(target.container_id)
        else:
            self._failed(pod, target, result)
        self._callbacks.wake_worker()

    def _failed(self, pod: pod_pb2.Pod, target: HandlerTarget, result: HandlerResult) -> None:
        name = target.container.name
        message = f'PostStart hook of container "{name}" in pod "{podspec.full_name(pod)}" failed: {result.output}'
        self._notes.post_start_failures[target.container_id] = message
        self._notes.to_kill[target.container_id] = KillReason(f"Container {name} failed its postStart hook")
        # The Event leaves out the output of the hook, as in Kubernetes: it may be a secret.
        self._callbacks.event("Warning", "FailedPostStartHook", "PostStartHook failed", container=name)
