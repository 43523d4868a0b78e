"""Pods whose names are as long as names may be."""

from __future__ import annotations

import asyncio

from podlab_testing import builtin_kinds
from podlab_testing.memory_node import MemoryKubelet, Until
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.core.v1 import event_pb2, pod_pb2

NAME = "a" * 62 + "." + "b" * 190


async def test_a_pod_of_253_characters_runs_and_tells_why_its_containers_do_not(
    admin: Client, kubelet: MemoryKubelet, until: Until
) -> None:
    containers = [
        {"name": "w" * 63, "image": "podlab.local/hello:1.0"},
        {"name": "bad", "image": "podlab.local/gone:1"},
    ]
    made = builtin_kinds.read({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME, "namespace": "default"},
        "spec": {"nodeName": "n1", "containers": containers},
    })  # fmt: skip
    assert isinstance(made, pod_pb2.Pod)
    await admin.create(made)
    await until(NAME, lambda pod: pod is not None and any(each.started for each in pod.status.containerStatuses))
    reasons: set[str] = set()
    async with asyncio.timeout(WITHIN_S):
        while not {"Started", "Failed"} <= reasons:
            listed = (await admin.list(event_pb2.Event, "default")).items
            reasons = {event.reason for event in listed if event.involvedObject.name == NAME}
            await asyncio.sleep(0.05)
    await admin.delete(pod_pb2.Pod, NAME, "default", grace_period_s=1)
    await until(NAME, lambda pod: pod is None)
