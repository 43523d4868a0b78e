"""A real scheduler beside the real API server, and what tests ask of both."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Protocol

from master.scheduler.main import serve
from master.scheduler.settings import SchedulerSettings
from podlab.api.objects import condition
from podlab.client.client import Client
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.node_pb2 import Node, Taint
from podlab.core.v1.pod_pb2 import Pod
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.scheduling.v1.priorityclass_pb2 import PriorityClass
from podlab.v1 import scheduler_pb2
from podlab_testing.waiting import WITHIN_S

_AFTER_FILTERS = re.compile(r" (?:no new claims to deallocate|still not schedulable|preemption: )")


class RunningScheduler:
    """podlab-scheduler as its unit runs it, in this process. `stop` and `start` restart it."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self._settings = settings
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        await serve(self._settings, self._stop)

    async def stop(self) -> None:
        """Raises what ended it, if it was not us."""
        self._stop.set()
        if self._task is not None:
            await asyncio.wait_for(self._task, WITHIN_S)


class SchedulerPods:
    """Creates pods and waits for what the scheduler makes of them."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def create(
        self, name: str, *, cpu: str = "", priority: int = 0, change: Callable[[Pod], object] | None = None
    ) -> Pod:
        """`change` may set what the other arguments do not."""
        pod = Pod()
        pod.metadata.name, pod.metadata.namespace = name, "default"
        container = pod.spec.containers.add(name="main", image="podlab.local/hello:1.0")
        if cpu:
            container.resources.requests["cpu"].string = cpu
        if priority:
            pod.spec.priorityClassName = f"class-{priority}"
            await self.client.create(PriorityClass(metadata=ObjectMeta(name=f"class-{priority}"), value=priority))
        if change is not None:
            change(pod)
        return await self.client.create(pod)

    async def wait(self, name: str, holds: Callable[[Pod], object]) -> Pod:
        """The pod once `holds` is true of it; fails with what it was last."""
        listed = await self.client.list(Pod, "default", field_selector=f"metadata.name={name}")
        pod = listed.items[0] if listed.items else Pod()
        try:
            async with asyncio.timeout(WITHIN_S):
                if holds(pod):
                    return pod
                selector = f"metadata.name={name}"
                async for batch in self.client.watch(Pod, listed.resource_version, "default", field_selector=selector):
                    for event in batch:
                        pod = event.object or pod
                        if holds(pod):
                            return pod
        except TimeoutError:
            pass
        raise AssertionError(f"pod {name} did not get there within {WITHIN_S:.0f} s; it is now:\n{pod}")

    async def bound(self, name: str) -> str:
        """The node it was given."""
        return (await self.wait(name, lambda pod: pod.spec.nodeName)).spec.nodeName

    async def refused(self, name: str, message: str) -> Pod:
        """The pod once its condition says so, whatever it says of claims and preemption besides."""
        return await self.wait(name, lambda pod: _AFTER_FILTERS.split(_refusal(pod))[0] == message)

    async def event(self, name: str, reason: str, says: Callable[[str], object] = bool) -> Event:
        """The first Event of that reason about the pod whose message is as `says` wants it.

        A pod may be judged, and told of, before the scheduler has seen the nodes that were made before it.
        """
        selector = f"involvedObject.name={name},reason={reason}"
        listed = await self.client.list(Event, "default", field_selector=selector)
        told = [*listed.items]
        try:
            async with asyncio.timeout(WITHIN_S):
                if found := [each for each in told if says(each.message)]:
                    return found[0]
                watch = self.client.watch(Event, listed.resource_version, "default", field_selector=selector)
                async for batch in watch:
                    for change in batch:
                        if change.object is not None:
                            told.append(change.object)
                            if says(change.object.message):
                                return change.object
        except TimeoutError:
            pass
        messages = [each.message for each in told]
        raise AssertionError(f"no such event {reason} about pod {name} within {WITHIN_S:.0f} s, but {messages}")


def _refusal(pod: Pod) -> str:
    found = condition(pod.status.conditions, "PodScheduled")
    return found.message if found is not None and found.status == "False" else ""


async def add_node_to(
    client: Client,
    name: str,
    cpu: str = "2",
    *,
    labels: dict[str, str] | None = None,
    taints: list[Taint] | None = None,
    pods: str = "110",
) -> Node:
    node = Node()
    node.metadata.name = name
    node.metadata.labels.update({"kubernetes.io/hostname": name, **(labels or {})})
    for resource, amount in (("cpu", cpu), ("memory", "4Gi"), ("pods", pods)):
        node.status.capacity[resource].string = node.status.allocatable[resource].string = amount
    made = await client.create(node)
    made.spec.ClearField("taints")  # as the controllers do when it is ready
    made.spec.taints.extend(taints or [])
    return await client.update(made)


class AddNode(Protocol):
    """Creates a node that has room; its kubelet is not there."""

    def __call__(
        self,
        name: str,
        cpu: str = "2",
        *,
        labels: dict[str, str] | None = None,
        taints: list[Taint] | None = None,
        pods: str = "110",
    ) -> Awaitable[Node]: ...


class Explain(Protocol):
    """Asks the API server why a pod is where it is."""

    def __call__(
        self, name: str, *, now: bool = False, client: Client = ...
    ) -> Awaitable[scheduler_pb2.Explanation]: ...
