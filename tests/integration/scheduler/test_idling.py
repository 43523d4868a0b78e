"""Pods that fit nowhere cost nothing while nothing happens, and little when something does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from podlab.api.objects import condition
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod

AddNode = Callable[..., Any]
PODS = 2000
LIMIT_S = 120.0
IDLE_S = 3.0
# Of this process, which is the API server too.
IDLE_SHARE = 0.1


async def test_two_thousand_hopeless_pods_cost_no_cpu(scheduler: Any, pods: Any, add_node: AddNode) -> None:
    node = await add_node("n1", "1")
    for begin in range(0, PODS, 200):
        await asyncio.gather(*(pods.create(f"big-{at}", cpu="3") for at in range(begin, begin + 200)))
    await _all_told(pods)
    assert await _share() < IDLE_SHARE, "nothing happens"
    began = time.process_time()
    for beat in range(20):
        node.status.conditions.add(type="Ready", status="True", reason=f"beat-{beat}")
        node = await pods.client.update_status(node)
        del node.status.conditions[:]
    await pods.create("small")
    await pods.bound("small")
    await pods.client.delete(Pod, "small", "default", grace_period_s=0)
    assert time.process_time() - began < 2.0, "neither heartbeats nor a pod that went woke them all"
    assert await _share() < IDLE_SHARE
    await pods.client.update_status(_with_cpu(node, "7"))
    homes = await asyncio.wait_for(_bound(pods, 2), LIMIT_S)
    assert homes == 2, "two have room now, and the others wait on"


async def _all_told(pods: Any) -> None:
    """Each has its condition, and all Events are written."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            listed = await pods.client.list(Pod, "default")
            if all(condition(pod.status.conditions, "PodScheduled") is not None for pod in listed.items):
                break
            await asyncio.sleep(0.5)
        while await _share() >= IDLE_SHARE:
            pass


async def _share() -> float:
    began, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(IDLE_S)
    return (time.process_time() - cpu) / (time.monotonic() - began)


async def _bound(pods: Any, count: int) -> int:
    while True:
        listed = await pods.client.list(Pod, "default")
        bound = sum(bool(pod.spec.nodeName) for pod in listed.items)
        if bound >= count:
            await asyncio.sleep(1.0)
            return bound
        await asyncio.sleep(0.2)


def _with_cpu(node: Node, cpu: str) -> Node:
    node.status.allocatable["cpu"].string = cpu
    return node
