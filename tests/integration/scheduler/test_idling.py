"""Pods that fit nowhere cost nothing while nothing happens that concerns them."""

from __future__ import annotations

import asyncio

from podlab_testing.scheduling_cluster import AddNode, Explain, RunningScheduler, SchedulerPods

from podlab.api.objects import condition
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod

PODS = 2000
SAMPLE = range(0, PODS, 25)
LIMIT_S = 120.0


async def test_two_thousand_hopeless_pods_are_not_judged_again_for_nothing(
    scheduler: RunningScheduler, pods: SchedulerPods, add_node: AddNode, explain: Explain
) -> None:
    node = await add_node("n1", "1")
    for begin in range(0, PODS, 200):
        await asyncio.gather(*(pods.create(f"big-{at}", cpu="3") for at in range(begin, begin + 200)))
    await _all_refused(pods)
    before = await _attempts(explain)
    for beat in range(20):
        node.status.conditions.add(type="Ready", status="True", reason=f"beat-{beat}")
        node = await pods.client.update_status(node)
        del node.status.conditions[:]
    await pods.create("small")
    await pods.bound("small")
    await pods.client.delete(Pod, "small", "default", grace_period_s=0)
    await _is_scheduled(pods, "after")  # what was to be judged because of all that has been
    assert await _attempts(explain) == before, "neither heartbeats nor a pod that went woke them"
    await pods.client.update_status(_with_cpu(node, "7"))
    await asyncio.wait_for(_until_bound(pods, 2), LIMIT_S)
    await _is_scheduled(pods, "last")
    assert await _bound(pods) == 2, "two have room now, and the others wait on"


async def _all_refused(pods: SchedulerPods) -> None:
    """Each has its condition."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            listed = await pods.client.list(Pod, "default")
            if all(condition(pod.status.conditions, "PodScheduled") is not None for pod in listed.items):
                return
            await asyncio.sleep(0.5)


async def _attempts(explain: Explain) -> dict[int, int]:
    """How often each of some pods has been judged."""
    found = await asyncio.gather(*(explain(f"big-{at}") for at in SAMPLE))
    assert not any(each.recomputed for each in found)
    return {at: each.attempts for at, each in zip(SAMPLE, found, strict=True)}


async def _is_scheduled(pods: SchedulerPods, name: str) -> None:
    """A pod that comes now is bound: the scheduler has taken in all that was written before it."""
    await pods.create(name)
    await pods.bound(name)


async def _until_bound(pods: SchedulerPods, count: int) -> None:
    while True:
        if await _bound(pods) >= count:
            return
        await asyncio.sleep(0.2)


async def _bound(pods: SchedulerPods) -> int:
    listed = await pods.client.list(Pod, "default")
    return sum(pod.metadata.name.startswith("big-") and bool(pod.spec.nodeName) for pod in listed.items)


def _with_cpu(node: Node, cpu: str) -> Node:
    node.status.allocatable["cpu"].string = cpu
    return node
