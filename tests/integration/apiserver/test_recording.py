"""Events are recorded in batches, each for itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.core.v1 import event_pb2, pod_pb2
from podlab.errors import Forbidden, NotFound
from podlab.meta.v1 import meta_pb2


def event(name: str, namespace: str = "default", count: int = 1) -> event_pb2.Event:
    made = event_pb2.Event(metadata=meta_pb2.ObjectMeta(name=name, namespace=namespace), count=count, reason="Met")
    made.involvedObject.kind, made.involvedObject.name, made.involvedObject.namespace = "Pod", "web", namespace
    return made


async def test_each_event_of_a_batch_is_created_or_counted(admin: Client) -> None:
    await admin.create(event("standing"))
    results = await admin.record_events([event("standing", count=2), event("lost", "missing"), event("new")])
    assert [type(result) for result in results] == [type(None), NotFound, type(None)]
    held = await admin.list(event_pb2.Event, "default")
    assert {one.metadata.name: one.count for one in held.items} == {"standing": 2, "new": 1}


async def test_what_a_component_met_can_be_read(admin: Client, pod: Callable[..., pod_pb2.Pod]) -> None:
    web = await admin.create(pod("web"))
    recorder = EventRecorder(admin, "test")
    running = asyncio.create_task(recorder.run())
    for number in range(20):
        recorder.event(web, "Normal", f"Reason{number}", "met")
    async with asyncio.timeout(WITHIN_S):
        while len((await admin.list(event_pb2.Event, "default")).items) < 20:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.02)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_who_may_not_create_events_may_not_record_them(cluster: Cluster) -> None:
    jane = await cluster.client("jane")
    with pytest.raises(Forbidden, match='User "jane" cannot create resource "events"'):
        await jane.record_events([event("a")])
    kubelet = await cluster.client("system:node:n1", "system:nodes")
    assert await kubelet.record_events([event("a")]) == [None]
