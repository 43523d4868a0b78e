"""A cluster that stands: what its parts cost while there are heartbeats alone, and how long a large Deployment takes.

The nodes have no kubelets; this process renews their leases as these would.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import shapes
from apiserver import ApiServer, started, tell
from processes import Service, Stopwatch, cpu_s, running
from writing import BIND_LIMIT_S, each

from podlab.api.values import times
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.client.client import Client
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.pod_pb2 import Pod

NODES, PODS, REPLICAS = 1000, 10_000, 1000
HEARTBEAT_S = 10.0
SETTLE_S, IDLE_S = 10.0, 20.0
LEASES = "kube-node-lease"


async def measure() -> None:
    async with started() as server, AsyncExitStack() as stack:
        client = await server.connect()
        await each(range(NODES), lambda number: _join(client, f"n{number}", number))
        await stack.enter_async_context(_heartbeats(client))
        await each(range(PODS), lambda number: _run(client, number))
        services = {
            "scheduler": await stack.enter_async_context(running("scheduler", server, {})),
            "controllers": await stack.enter_async_context(running("controllers", server, {"pod_cidr": "10.0.0.0/8"})),
        }
        await asyncio.sleep(SETTLE_S)
        await _idle(server, services)
        await _deployment(client)


async def _idle(server: ApiServer, services: Mapping[str, Service]) -> None:
    parts = {"apiserver": server.process, **{name: service.process for name, service in services.items()}}
    before = {name: cpu_s(process) for name, process in parts.items()}
    await asyncio.sleep(IDLE_S)
    what = f"{NODES} nodes with heartbeats, {PODS} running pods"
    for name, process in parts.items():
        tell(f"{what}, idle {name}, CPU", (cpu_s(process) - before[name]) / IDLE_S * 100, "% of a core", 1)
        tell(f"{what}, idle {name}, memory", process.memory_full_info().pss / (1 << 20), "MiB")


async def _deployment(client: Client) -> None:
    made = Deployment()
    made.metadata.name, made.metadata.namespace = "large", "default"
    made.spec.replicas = REPLICAS
    made.spec.selector.matchLabels["app"] = "large"
    made.spec.template.metadata.labels["app"] = "large"
    made.spec.template.spec.CopyFrom(shapes.basic("large", "default").spec)
    revision = (await client.list(Deployment)).resource_version
    watch = Stopwatch()
    await client.create(made)
    missing = REPLICAS
    async with asyncio.timeout(BIND_LIMIT_S):
        seen: set[str] = set()
        async for batch in client.watch(Pod, revision, "default", label_selector="app=large"):
            seen.update(each.object.metadata.uid for each in batch if each.object and each.object.spec.nodeName)
            if len(seen) >= missing:
                break
    tell(f"a Deployment of {REPLICAS} replicas on {NODES} nodes, all bound after", watch.s(), "s", 1)


async def _join(client: Client, name: str, number: int) -> None:
    await shapes.add(client, shapes.node(number))
    lease = Lease()
    lease.metadata.name, lease.metadata.namespace = name, LEASES
    lease.spec.holderIdentity, lease.spec.leaseDurationSeconds = name, 40
    lease.spec.renewTime.CopyFrom(times.now_micro())
    await client.create(lease)


async def _run(client: Client, number: int) -> None:
    """A pod that runs on its node."""
    pod = shapes.basic(f"p{number}", "default")
    pod.spec.nodeName = f"n{number % NODES}"
    made = await client.create(pod)
    made.status.phase = "Running"
    made.status.conditions.add(type="Ready", status="True")
    await client.update_status(made)


@asynccontextmanager
async def _heartbeats(client: Client) -> AsyncIterator[None]:
    """Each node's lease is renewed every ten seconds, evenly over these."""

    async def beat(number: int) -> None:
        await asyncio.sleep(HEARTBEAT_S * number / NODES)
        lease = await client.get(Lease, f"n{number}", LEASES)
        while True:
            watch = Stopwatch()
            lease.spec.renewTime.CopyFrom(times.now_micro())
            lease = await client.update(lease)
            await asyncio.sleep(max(0.0, HEARTBEAT_S - watch.s()))

    tasks = [asyncio.create_task(beat(number)) for number in range(NODES)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
