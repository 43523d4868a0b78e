"""What is written: pods about as large as real ones, 1.5 KB once defaults are in."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from podlab.api.serializer import codec
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2, apiserver_pb2_grpc

PATH = "/api/v1/namespaces/default/pods"
FILLERS = 64


def pod(name: str) -> pod_pb2.Pod:
    """A pod of one container with some settings."""
    pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name=name, namespace="default", labels={"app": "web"}))
    pod.metadata.annotations["example.com/note"] = "x" * 400
    container = pod.spec.containers.add(name="main", image="podlab.local/hello:1.0")
    container.resources.requests["cpu"].string = "100m"
    container.resources.requests["memory"].string = "64Mi"
    container.ports.add(name="http", containerPort=8080)
    for number in range(8):
        container.env.add(name=f"SETTING_{number}", value="value")
    return pod


_JSON = codec.to_json(pod("NAME"))


async def create(client: Client, name: str) -> None:
    """Over gRPC."""
    stub: Any = apiserver_pb2_grpc.ApiServerStub(client.channel)
    await stub.Create(apiserver_pb2.CreateRequest(object={"pod": pod(name)}))


async def post(session: aiohttp.ClientSession, name: str) -> None:
    """Over REST."""
    body = _JSON.replace(b"NAME", name.encode())
    async with session.post(PATH, data=body, headers={"Content-Type": "application/json"}) as response:
        response.raise_for_status()
        await response.read()


async def fill(clients: list[Client], first: int, end: int) -> None:
    """Create the pods fill-FIRST to fill-END, the last not included."""
    numbers = iter(range(first, end))

    async def work(client: Client) -> None:
        for number in numbers:
            await create(client, f"fill-{number}")

    await asyncio.gather(*(work(client) for client in clients))
