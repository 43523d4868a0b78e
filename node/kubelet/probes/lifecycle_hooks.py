"""postStart and preStop hooks (https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/)."""

from __future__ import annotations

import asyncio
import logging

from node.kubelet.cri.runtime import ObservedPod, Runtime, RuntimeUnavailable
from node.kubelet.pod import podspec
from node.kubelet.pod.callbacks import Voice
from node.kubelet.pod.pod_notes import Doom, Memory
from node.kubelet.probes import handlers
from node.kubelet.probes.handlers import Answer, Place
from podlab.core.v1 import pod_pb2

log = logging.getLogger(__name__)

# While the runtime does not answer.
RETRY_S = 1.0
# A hook without a limit of its own.
NO_LIMIT = 0


async def run_hook(runtime: Runtime, place: Place, handler: pod_pb2.LifecycleHandler, timeout_s: int) -> Answer:
    """Runs it to its end, which is good when it succeeded in time; NO_LIMIT waits for ever.

    While the runtime does not answer it is asked again: a hook may run more than once.
    """
    while True:
        try:
            return await _run(runtime, place, handler, timeout_s)
        except RuntimeUnavailable as error:
            log.debug("hook of container %s: %s", place.container_id, error)
            await asyncio.sleep(RETRY_S)


async def _run(runtime: Runtime, place: Place, handler: pod_pb2.LifecycleHandler, timeout_s: int) -> Answer:
    if handler.HasField("exec"):
        return await handlers.command(runtime, place, handler.exec, timeout_s)
    if handler.HasField("httpGet"):
        return await handlers.http_hook(place, handler.httpGet, timeout_s or None)
    if handler.HasField("sleep"):
        await asyncio.sleep(min(handler.sleep.seconds, timeout_s or handler.sleep.seconds))
        return Answer(True)
    return await handlers.tcp(place, handler.tcpSocket, timeout_s or None)


class PostStart:
    """The postStart hooks of one pod. `sync` begins what has to run; what comes of it goes to the pod's memory.

    A kubelet that was restarted before a hook's end runs it again, as Kubernetes' page on hooks allows.
    """

    def __init__(self, runtime: Runtime, memory: Memory, voice: Voice) -> None:
        self._runtime = runtime
        self._memory = memory
        self._voice = voice
        self._running: dict[str, asyncio.Task[None]] = {}

    def sync(self, pod: pod_pb2.Pod, observed: ObservedPod, host_ip: str) -> None:
        """One task for each running container whose hook is not done; a container that ended has none."""
        alive = {run.id: run for run in observed.alive}
        for container_id in self._running.keys() - alive.keys():
            self._running.pop(container_id).cancel()
        if self._memory.ending_since is not None:
            return
        settled = self._running.keys() | self._memory.hook_failures.keys() | self._memory.stopping.keys()
        for container_id in alive.keys() - settled:
            spec = podspec.container_named(pod, alive[container_id].name)
            if spec is not None and not self._memory.is_up(spec, alive[container_id]):
                place = Place(container_id, spec, handlers.address(pod, observed, host_ip))
                self._running[container_id] = asyncio.create_task(self._post_start(pod, place))

    def stop(self) -> None:
        for task in self._running.values():
            task.cancel()
        self._running.clear()

    async def _post_start(self, pod: pod_pb2.Pod, place: Place) -> None:
        try:
            answer = await run_hook(self._runtime, place, place.container.lifecycle.postStart, NO_LIMIT)
        except Exception as error:  # or the container would wait for its hook for ever
            log.exception("postStart hook of container %s", place.container_id)
            answer = Answer(False, str(error))
        if answer.good:
            self._memory.hooked.add(place.container_id)
        else:
            self._failed(pod, place, answer)
        self._voice.changed()

    def _failed(self, pod: pod_pb2.Pod, place: Place, answer: Answer) -> None:
        name = place.container.name
        told = f'PostStart hook of container "{name}" in pod "{podspec.full_name(pod)}" failed: {answer.output}'
        self._memory.hook_failures[place.container_id] = told
        self._memory.doomed[place.container_id] = Doom(f"Container {name} failed its postStart hook")
        # Kubernetes leaves out of the event what the hook said: it may be a secret.
        self._voice.event("Warning", "FailedPostStartHook", "PostStartHook failed", name)
