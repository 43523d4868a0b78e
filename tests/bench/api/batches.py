"""What one object of a large call costs the server: bindings and Events, 256 to a call."""

from __future__ import annotations

import pods
from apiserver import ApiServer, started, tell

from podlab.client.client import Client
from podlab.core.v1 import event_pb2
from podlab.v1.apiserver_pb2 import Binding

OBJECTS = 2048
AT_ONCE = 256


async def measure() -> None:
    """One caller, as the scheduler is one."""
    async with started() as server:
        await pods.fill([await server.connect() for _ in range(pods.FILLERS)], 0, OBJECTS)
        client = await server.connect()
        names = [[f"fill-{number}" for number in range(first, first + AT_ONCE)] for first in range(0, OBJECTS, AT_ONCE)]
        await _bind(server, client, names)
        await _record(server, client, names)


async def _bind(server: ApiServer, client: Client, names: list[list[str]]) -> None:
    before_s = server.cpu_s()
    for part in names:
        await client.bind([Binding(namespace="default", name=name, node_name="n1") for name in part])
    tell(f"CPU of the server for a binding, {AT_ONCE} to a call", (server.cpu_s() - before_s) / OBJECTS * 1e6, "us")


async def _record(server: ApiServer, client: Client, names: list[list[str]]) -> None:
    before_s = server.cpu_s()
    for part in names:
        await client.record_events([event(name) for name in part])
    tell(f"CPU of the server for an Event, {AT_ONCE} to a call", (server.cpu_s() - before_s) / OBJECTS * 1e6, "us")


def event(name: str, count: int = 1) -> event_pb2.Event:
    """Of a pod of that name, counted so often."""
    event = event_pb2.Event(reason="Scheduled", type="Normal", count=count)
    event.metadata.name, event.metadata.namespace = f"{name}.1", "default"
    event.involvedObject.kind, event.involvedObject.name, event.involvedObject.namespace = "Pod", name, "default"
    event.message = f"Successfully assigned default/{name} to n1"
    return event
