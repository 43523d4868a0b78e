"""Rates of the API server over gRPC with mTLS: `pytest -s tests/bench/api`. One line a figure, in less than a minute.

The server is a process of its own on a fresh store; the load comes from this process, so both share the machine's
processors. Durable means as in production: a create is answered once it is on disk.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from socket import socket
from typing import Any

import psutil
import uvloop
import yaml

from podlab import pki
from podlab.client.client import Client
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.errors import ServiceUnavailable
from podlab.meta.v1 import meta_pb2
from podlab.tls import Tls
from podlab.v1 import apiserver_pb2, apiserver_pb2_grpc

CREATE_S = 4.0
LISTED_PODS = 5000
WATCHERS = 100
WATCHED_WRITES = 1000
START_LIMIT_S = 20.0


def test_rates(tmp_path: Path) -> None:
    """Nothing is asserted: the figures depend on the machine."""
    uvloop.run(_measure(tmp_path))


async def _measure(directory: Path) -> None:
    async with _server(directory) as (connect, server):
        _tell("memory, empty", _memory_mib(server), "MiB (PSS)")
        for clients in (16, 64):
            rate = await _creates([await connect() for _ in range(clients)], f"c{clients}")
            _tell(f"durable pod creates, {clients} clients", rate, "/s")
        await _lists(await connect())
        await _watches([await connect() for _ in range(WATCHERS)])
        _tell("memory, with the pods above", _memory_mib(server), "MiB (PSS)")


def _tell(name: str, figure: float, unit: str) -> None:
    print(f"{name}: {figure:,.0f} {unit}", flush=True)


async def _creates(clients: list[Client], prefix: str) -> float:
    """Each client creates one pod after the other."""
    end = time.perf_counter() + CREATE_S
    done = 0

    async def create(number: int, client: Client) -> None:
        nonlocal done
        stub: Any = apiserver_pb2_grpc.ApiServerStub(client.channel)
        count = 0
        while time.perf_counter() < end:
            await stub.Create(apiserver_pb2.CreateRequest(object={"pod": _pod(f"{prefix}-{number}-{count}")}))
            count += 1
            done += 1

    await asyncio.gather(*(create(number, client) for number, client in enumerate(clients)))
    return done / CREATE_S


async def _lists(client: Client) -> None:
    stub: Any = apiserver_pb2_grpc.ApiServerStub(client.channel)
    for title, selectors in (
        ("plain", {}),
        ("by label", {"label_selector": "app=web"}),
        ("by a node", {"field_selector": "spec.nodeName=n1"}),
    ):
        started = time.perf_counter()
        request = apiserver_pb2.ListRequest(kind="Pod", limit=500, **selectors)
        pages = 0
        while pages * 500 < LISTED_PODS:
            page = await stub.List(request)
            pages += 1
            rest = getattr(page.metadata, "continue")
            if not rest:
                break
            setattr(request, "continue", rest)
        _tell(f"list of {LISTED_PODS} pods, {title}", (time.perf_counter() - started) * 1000, "ms")


async def _watches(clients: list[Client]) -> None:
    """All watch ConfigMaps as bytes, so that parsing here does not hide the server's rate."""
    started = asyncio.Event()
    ready = 0
    received = 0
    total = WATCHED_WRITES * len(clients)
    request = apiserver_pb2.WatchRequest(kind="ConfigMap", resource_version="").SerializeToString()

    async def follow(client: Client) -> None:
        nonlocal ready, received
        call: Any = client.channel.unary_stream("/podlab.v1.ApiServer/Watch")(request)
        seen = -1  # the bookmark that ends what is there
        async for response in call:
            if seen < 0:
                ready += 1
                if ready == len(clients):
                    started.set()
            count = response.count(b"filling-that-marks-an-event")
            seen = max(seen, 0) + count
            received += count
            if seen >= WATCHED_WRITES:
                call.cancel()
                return

    followers = [asyncio.create_task(follow(client)) for client in clients]
    await started.wait()
    begun = time.perf_counter()
    await _write_config_maps(clients[0])
    await asyncio.gather(*followers)
    _tell(f"events to {len(clients)} watchers", total / (time.perf_counter() - begun), "/s")


async def _write_config_maps(client: Client) -> None:
    async def write(first: int) -> None:
        for number in range(first, WATCHED_WRITES, 16):
            metadata = meta_pb2.ObjectMeta(name=f"c{number}", namespace="default")
            data = {"text": "filling-that-marks-an-event" + "x" * 800}
            await client.create(config_pb2.ConfigMap(metadata=metadata, data=data))

    await asyncio.gather(*(write(first) for first in range(16)))


def _pod(name: str) -> pod_pb2.Pod:
    """About as large as real ones: 1.5 KB once defaults are in."""
    pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name=name, namespace="default", labels={"app": "web"}))
    pod.metadata.annotations["example.com/note"] = "x" * 400
    container = pod.spec.containers.add(name="main", image="podlab.local/hello:1.0")
    container.resources.requests["cpu"].string = "100m"
    container.resources.requests["memory"].string = "64Mi"
    container.ports.add(name="http", containerPort=8080)
    for number in range(8):
        container.env.add(name=f"SETTING_{number}", value="value")
    return pod


def _memory_mib(server: psutil.Process) -> float:
    return float(server.memory_full_info().pss) / (1 << 20)


@asynccontextmanager
async def _server(directory: Path) -> AsyncIterator[tuple[Any, psutil.Process]]:
    tls = _tls(directory / "pki", "system:apiserver")
    with socket() as probe, socket() as other:
        for each in (probe, other):
            each.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        rest_port: int = other.getsockname()[1]
    settings = {
        "cluster_name": "bench",
        "advertise_address": "192.0.2.1",
        "bind_address": "127.0.0.1",
        "port": port,
        "rest_port": rest_port,
        "data_dir": str(directory / "data"),
        "tls": {"ca": str(tls.ca), "cert": str(tls.cert), "key": str(tls.key)},
    }
    (directory / "apiserver.yaml").write_text(yaml.safe_dump(settings))
    command = (sys.executable, "-m", "master.apiserver.main", "--config", str(directory / "apiserver.yaml"))
    begun = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command)
    try:
        async with AsyncExitStack() as clients:

            async def connect() -> Client:
                return await clients.enter_async_context(Client(f"127.0.0.1:{port}", tls))

            await _answers(await connect())
            _tell("start to first answer", (time.perf_counter() - begun) * 1000, "ms")
            yield connect, psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


def _tls(directory: Path, user: str) -> Tls:
    ca = pki.ensure_ca(directory)
    pki.ensure_certificate(ca, directory, "admin", user, ["system:masters"], ["127.0.0.1"])
    return Tls(directory / "ca.crt", directory / "admin.crt", directory / "admin.key")


async def _answers(client: Client) -> None:
    async with asyncio.timeout(START_LIMIT_S):
        while True:
            try:
                await client.version()
                return
            except ServiceUnavailable:
                await asyncio.sleep(0.02)
