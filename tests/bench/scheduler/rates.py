"""Pods bound a second through the real API server and its store, on nodes that have no kubelets.

Each shape twice: pods created while the scheduler runs, as Kubernetes' scheduler_perf does, and all pending before it
starts. A pod counts when its binding is durable and a watch tells of it. API server, scheduler and this load generator
share the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import processes
import reference as machine
import shapes
from apiserver import ApiServer, started, tell
from processes import Stopwatch, cpu_s, running
from shapes import Shape
from writing import WRITERS, bound, each

from podlab.client.client import Client
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service
from podlab.errors import NotFound
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.scheduling.v1.priorityclass_pb2 import PriorityClass

NODES = (500, 5000)
CHURN_S = 0.25


async def measure() -> None:
    reference = (await machine.measure())[WRITERS]
    for count in NODES:
        async with started() as server:
            await _measure(count, server, await server.connect(), reference)


async def _measure(count: int, server: ApiServer, client: Client, reference: float) -> None:
    await each(range(count), lambda number: shapes.add(client, shapes.node(number)))
    await client.create(PriorityClass(metadata=ObjectMeta(name=shapes.HIGH), value=1000))
    for shape in shapes.SHAPES:
        async with _filled(shape, client):
            before = await _pending_before(shape, count, server, client)
            _tell_share(shape, count, "pending before", before, reference)
            meanwhile = await _while_created(shape, count, server, client)
            _tell_share(shape, count, "created meanwhile", meanwhile, reference)
    tell(f"apiserver with {count} nodes, memory", server.memory_mib(), "MiB")


async def _pending_before(shape: Shape, count: int, server: ApiServer, client: Client) -> float:
    """Pods a second."""
    namespace = await _namespace(shape, "before", client)
    pods = shape.pods(namespace, shape.before, count)
    await each(pods, client.create)
    revision = (await client.list(Namespace)).resource_version
    watch, apiserver_s = Stopwatch(), cpu_s(server.process)
    async with running("scheduler", server, {}) as scheduler:
        first = asyncio.create_task(_first(client, namespace, revision))
        await bound(client, namespace, _names(pods), revision)
        elapsed_s = watch.s()
        title = f"{shape.name} {count} nodes, pending before"
        tell(title, len(pods) / elapsed_s, "pods/s")
        first_s, first_pods = await first
        tell(f"{title}, from the start of the process to the first bind", first_s, "s", 2)
        if len(pods) > first_pods:
            tell(f"{title}, from then on", (len(pods) - first_pods) / (elapsed_s - first_s), "pods/s")
        tell(f"{title}, CPU of the scheduler, its start included", scheduler.cpu_s() / len(pods) * 1e6, "us a pod")
        apiserver_us = (cpu_s(server.process) - apiserver_s) / len(pods) * 1e6
        tell(f"{title}, CPU of the API server", apiserver_us, "us a pod")
        _tell_decisions(title, scheduler)
        tell(f"{title}, memory of the scheduler", scheduler.memory_mib(), "MiB")
        return len(pods) / elapsed_s


def _tell_decisions(title: str, scheduler: processes.Service) -> None:
    """As long as they took in the scheduler, beside all else that it and the machine did."""
    taken_us = scheduler.decisions_us()
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        tell(f"{title}, decision {name}", taken_us[int(len(taken_us) * share)], "us")


async def _while_created(shape: Shape, count: int, server: ApiServer, client: Client) -> float:
    """Pods a second."""
    namespace = await _namespace(shape, "meanwhile", client)
    async with running("scheduler", server, {}) as scheduler:
        pods = shape.pods(namespace, shape.meanwhile, count)
        # The first pod tells that the scheduler has begun.
        revision = (await client.list(Namespace)).resource_version
        begun = shapes.basic("first", namespace)
        await client.create(begun)
        await bound(client, namespace, frozenset({"first"}), revision)
        async with AsyncExitStack() as stack:
            if shape.churns:
                await stack.enter_async_context(_churn(client, namespace))
            watch, scheduler_s, apiserver_s = Stopwatch(), scheduler.cpu_s(), cpu_s(server.process)
            async with asyncio.TaskGroup() as group:
                group.create_task(bound(client, namespace, _names(pods), revision))
                await each(pods, client.create)
            rate, title = len(pods) / watch.s(), f"{shape.name} {count} nodes, created meanwhile"
            tell(title, rate, "pods/s")
            tell(f"{title}, CPU of the scheduler", (scheduler.cpu_s() - scheduler_s) / len(pods) * 1e6, "us a pod")
            apiserver_us = (cpu_s(server.process) - apiserver_s) / len(pods) * 1e6
            tell(f"{title}, CPU of the API server, creation included", apiserver_us, "us a pod")
            return rate


def _tell_share(shape: Shape, count: int, when: str, rate: float, reference: float) -> None:
    tell(f"{shape.name} {count} nodes, {when}, share of the reference", rate / reference * 100, "%")


def _names(pods: list[Pod]) -> frozenset[str]:
    return frozenset(pod.metadata.name for pod in pods)


async def _first(client: Client, namespace: str, revision: str) -> tuple[float, int]:
    """Seconds until pods are bound, and how many were bound together."""
    watch = Stopwatch()
    async for batch in client.watch(Pod, revision, namespace):
        if pods := sum(event.object is not None and bool(event.object.spec.nodeName) for event in batch):
            return watch.s(), pods
    raise RuntimeError("the watch ended")


async def _namespace(shape: Shape, when: str, client: Client) -> str:
    """A new one, for the pods."""
    name = f"{shape.name}-{when}".lower()
    await client.create(Namespace(metadata=ObjectMeta(name=name)))
    return name


@asynccontextmanager
async def _filled(shape: Shape, client: Client) -> AsyncIterator[None]:
    """The nodes that are full for the shape are full in the beginning, and empty in the end."""
    if not shape.preempts:
        yield
        return
    full = [f"n{number}" for number in range(shapes.FULL_NODES)]
    namespace = await _namespace(shape, "fillers", client)
    fillers = [shapes.filler(f"{name}-{one}", namespace, name) for name in full for one in range(shapes.FILLERS)]
    await each(fillers, client.create)
    await each(full, lambda name: _label(client, name))
    yield
    pods = [pod for pod in (await client.list(Pod)).items if pod.spec.nodeName in set(full)]
    await each(pods, lambda pod: _delete(client, Pod, pod.metadata.name, pod.metadata.namespace))


async def _label(client: Client, name: str) -> None:
    node = await client.get(Node, name)
    node.metadata.labels[shapes.FULL] = "yes"
    await client.update(node)


async def _delete(client: Client, kind: type, name: str, namespace: str) -> None:
    try:
        await client.delete(kind, name, namespace, grace_period_s=0)
    except NotFound:
        return


@asynccontextmanager
async def _churn(client: Client, namespace: str) -> AsyncIterator[None]:
    """Meanwhile a node, a Service and a pod that fits nowhere come and go again and again."""

    async def churn() -> None:
        while True:
            hopeless = shapes.important("hopeless", namespace)
            hopeless.spec.containers[0].resources.requests["cpu"].string = "64"
            service = Service(metadata=ObjectMeta(name="churn", namespace=namespace))
            service.spec.selector["app"] = "churn"
            service.spec.ports.add(port=80)
            node = shapes.node(0)
            node.metadata.name = "churn"
            for thing in (hopeless, service, node):
                await client.create(thing)
            await asyncio.sleep(CHURN_S)
            await _delete(client, Pod, "hopeless", namespace)
            await client.delete(Service, "churn", namespace)
            await client.delete(Node, "churn")

    task = asyncio.create_task(churn())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
