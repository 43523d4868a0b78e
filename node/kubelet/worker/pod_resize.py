"""Changes what a pod's running containers may use: where the node has room for it, and without starting them anew.

https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from node.kubelet.cgroups import layout
from node.kubelet.containerconfig.linux_resources import linux_resources
from node.kubelet.cri import conversion
from node.kubelet.cri.runtime import Container, ObservedPod, RuntimeFailure, RuntimeUnavailable
from node.kubelet.pod import decide, resizing
from node.kubelet.pod.callbacks import PodCallbacks
from node.kubelet.pod.pod_notes import FOREVER, WHOLE_POD, PodNotes
from node.kubelet.worker.context import NodeContext
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

log = logging.getLogger(__name__)

# How soon it is tried again when the node has no room, or a container uses more memory than it is to have.
RETRY_S = 5.0


@dataclass(frozen=True)
class _Update:
    """A container that runs with other resources than it is to have."""

    name: str
    run: Container
    resources: cri.LinuxContainerResources


class PodResize:
    """Of one pod."""

    def __init__(self, context: NodeContext, notes: PodNotes, callbacks: PodCallbacks) -> None:
        self._context = context
        self._notes = notes
        self._callbacks = callbacks
        # What the runtime was told of each run: it is not told again, whatever it says that the run has.
        self._updated: dict[str, bytes] = {}
        self._to_update: list[_Update] = []
        self._has_begun = False

    def allocated(self, pod: pod_pb2.Pod) -> pod_pb2.Pod:
        """The pod with the resources that the node has set aside for it: those that it asks for as soon as they fit."""
        notes, admission = self._notes, self._context.admission
        before = admission.allocations.applied(pod)
        if before is pod:
            notes.pending_resize = None
            return pod
        why_not = admission.resize(pod)
        if why_not is None:
            notes.pending_resize, notes.resize_error = None, ""
            self._has_begun = True
            self._callbacks.event("Normal", "ResizeStarted", resizing.described(pod, "started"))
            return pod
        if notes.pending_resize is None or notes.pending_resize.reason != why_not.reason:
            message = resizing.described(pod, why_not.reason, why_not.message)
            self._callbacks.event("Warning", f"Resize{why_not.reason}", message)
        notes.pending_resize = why_not
        return before

    def look(self, pod: pod_pb2.Pod, observed: ObservedPod) -> None:
        """Finds the containers that do not have what they are to have. `pod` is as the node has allocated it."""
        notes, was_resizing = self._notes, bool(self._notes.resizing) or self._has_begun
        self._to_update = list(self._find(pod, observed))
        present = {run.id for run in observed.containers}
        self._updated = {at: told for at, told in self._updated.items() if at in present}
        notes.resizing = {each.run.id for each in self._to_update} | set(_to_restart(pod, observed))
        if observed.alive and not self._context.cgroups.is_set(pod):
            notes.resizing.add(WHOLE_POD)
        if was_resizing and not notes.resizing:
            notes.resize_error, self._has_begun = "", False
            self._callbacks.event("Normal", "ResizeCompleted", resizing.described(pod, "completed"))

    @property
    def retry_s(self) -> float:
        """How soon the worker is to look again; FOREVER when there is nothing to wait for."""
        return RETRY_S if self._notes.pending_resize is not None or self._notes.resize_error else FOREVER

    async def update(self, pod: pod_pb2.Pod) -> bool:
        """Gives pod and containers what they are to have: the pod room first, and no more than that when its containers
        have theirs. True when one of them got it. Raises RuntimeUnavailable."""
        if WHOLE_POD not in self._notes.resizing:
            return await self._update_containers(pod)
        cgroups = self._context.cgroups
        try:
            await cgroups.widen(pod)
            done = await self._update_containers(pod)
            if self._notes.resizing == {WHOLE_POD}:
                await self._check_whole(pod)
                await cgroups.admit(pod)
                log.info("pod %s is resized", pod.metadata.name)
                done = True
        except OSError as error:
            self._failed(pod, f"resizing the pod's cgroup: {error}")
            return False
        return done

    async def _check_whole(self, pod: pod_pb2.Pod) -> None:
        """Raises OSError when the pod uses more memory than it is to have: one of its processes would be killed."""
        wanted, used = layout.of_pod(pod).memory_bytes, await self._context.cgroups.memory_used(pod)
        if 0 < wanted <= used:
            where = f"attempting to set pod memory limit ({wanted}) below current usage ({used})"
            raise OSError(f"cannot decrease memory limits: {where}")

    async def _update_containers(self, pod: pod_pb2.Pod) -> bool:
        done = False
        for each in self._to_update:
            try:
                why_not = await self._too_small(pod, each)
                if not why_not:
                    await self._context.runtime.update_container(each.run.id, each.resources)
            except RuntimeUnavailable:
                raise
            except RuntimeFailure as error:
                why_not = str(error)
            if why_not:
                self._failed(pod, f'resizing container "{each.name}": {why_not}')
                continue
            self._updated[each.run.id] = each.resources.SerializeToString(deterministic=True)
            log.info("container %s of pod %s is resized", each.name, pod.metadata.name)
            done = True
        return done

    def _failed(self, pod: pod_pb2.Pod, why: str) -> None:
        if not self._notes.resize_error:
            self._callbacks.event("Warning", "ResizeError", resizing.described(pod, "error", why))
            self._callbacks.wake_worker()  # its status is to tell
        self._notes.resize_error = why

    async def _too_small(self, pod: pod_pb2.Pod, update: _Update) -> str:
        """Why a container cannot have so little memory: it would be killed. Empty when it can."""
        wanted, now = update.resources.memory_limit_in_bytes, update.run.resources
        if not wanted or (now is not None and 0 < now.memory_bytes <= wanted):
            return ""
        usage = await self._context.runtime.usage(pod.metadata.uid)
        used = sum(each.memory_bytes for each in usage if each.container_id == update.run.id)
        where = f'attempting to set container "{update.name}" memory limit ({wanted}) below current usage ({used})'
        return f"cannot decrease memory limits: {where}" if used >= wanted else ""

    def _find(self, pod: pod_pb2.Pod, observed: ObservedPod) -> Iterator[_Update]:
        for container in resizing.resizable(pod.spec):
            run = observed.latest(container.name)
            if run is None or not run.alive or decide.is_outdated(pod.spec, container, run):
                continue
            wanted = linux_resources(pod, container, self._context.memory)
            self._context.cpus.confine(pod, container.name, wanted)
            if self._differs(pod, run, wanted):
                yield _Update(container.name, run, wanted)

    def _differs(self, pod: pod_pb2.Pod, run: Container, wanted: cri.LinuxContainerResources) -> bool:
        if run.resources is not None and conversion.resources(wanted) == run.resources:
            return False
        if run.resources is None and pod.metadata.generation <= 1:
            return False  # the runtime does not say, and nobody has changed anything
        return self._updated.get(run.id) != wanted.SerializeToString(deterministic=True)


def _to_restart(pod: pod_pb2.Pod, observed: ObservedPod) -> Iterator[str]:
    """The running containers that start anew with other resources."""
    for container in resizing.resizable(pod.spec):
        run = observed.latest(container.name)
        if run is not None and run.alive and container.resizePolicy and decide.is_outdated(pod.spec, container, run):
            yield run.id
