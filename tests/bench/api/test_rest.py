"""Rates of the REST API: `pytest -s tests/bench/api/test_rest.py`.

The server is a process of its own on a fresh store.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import socket

import aiohttp
import psutil
import uvloop
import yaml

from podlab import pki
from podlab.api import codec
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

CONNECTIONS = 16
CREATE_S = 4.0
LISTED_PODS = 5000
START_LIMIT_S = 20.0
PODS = "/api/v1/namespaces/default/pods"


def test_rates(tmp_path: Path) -> None:
    """Nothing is asserted: the figures depend on the machine."""
    uvloop.run(_measure(tmp_path))


async def _measure(directory: Path) -> None:
    async with _server(directory) as (session, server):
        _tell("memory, empty", _memory_mib(server), "MiB (PSS)")
        end = time.perf_counter() + CREATE_S
        counts = await asyncio.gather(*(_create(session, f"r{number}", end) for number in range(CONNECTIONS)))
        _tell(f"durable pod creates over REST, {CONNECTIONS} connections", sum(counts) / CREATE_S, "/s")
        await _fill(session, LISTED_PODS - sum(counts))
        for title in ("cold", "warm"):
            started = time.perf_counter()
            async with session.get(f"{PODS}?limit={LISTED_PODS}") as response:
                size = len(await response.read())
            _tell(f"JSON list of {LISTED_PODS} pods, {title}", (time.perf_counter() - started) * 1000, "ms")
        _tell("its size", size / (1 << 20), "MiB")
        _tell("memory, with the pods above", _memory_mib(server), "MiB (PSS)")


def _tell(name: str, figure: float, unit: str) -> None:
    print(f"{name}: {figure:,.0f} {unit}", flush=True)


async def _create(session: aiohttp.ClientSession, prefix: str, end: float) -> int:
    count = 0
    while time.perf_counter() < end:
        await _post(session, f"{prefix}-{count}")
        count += 1
    return count


async def _fill(session: aiohttp.ClientSession, missing: int) -> None:
    names = iter([f"f{number}" for number in range(missing)])

    async def create() -> None:
        for name in names:
            await _post(session, name)

    await asyncio.gather(*(create() for _ in range(CONNECTIONS)))


async def _post(session: aiohttp.ClientSession, name: str) -> None:
    body = _POD.replace(b"NAME", name.encode())
    async with session.post(PODS, data=body, headers={"Content-Type": "application/json"}) as response:
        response.raise_for_status()
        await response.read()


def _pod() -> bytes:
    """About as large as real ones: that of the rates over gRPC."""
    pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name="NAME", namespace="default", labels={"app": "web"}))
    pod.metadata.annotations["example.com/note"] = "x" * 400
    container = pod.spec.containers.add(name="main", image="podlab.local/hello:1.0")
    container.resources.requests["cpu"].string = "100m"
    container.resources.requests["memory"].string = "64Mi"
    container.ports.add(name="http", containerPort=8080)
    for number in range(8):
        container.env.add(name=f"SETTING_{number}", value="value")
    return codec.to_json(pod)


_POD = _pod()


def _memory_mib(server: psutil.Process) -> float:
    return float(server.memory_full_info().pss) / (1 << 20)


@asynccontextmanager
async def _server(directory: Path) -> AsyncIterator[tuple[aiohttp.ClientSession, psutil.Process]]:
    ca = pki.ensure_ca(directory / "pki")
    pki.ensure_certificate(ca, directory / "pki", "admin", "system:apiserver", ["system:masters"], ["127.0.0.1"])
    tls = {name: str(directory / "pki" / file) for name, file in _FILES.items()}
    with socket() as one, socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        ports = {"port": one.getsockname()[1], "rest_port": other.getsockname()[1]}
    settings = {
        "cluster_name": "bench",
        "advertise_address": "192.0.2.1",
        "bind_address": "127.0.0.1",
        "data_dir": str(directory / "data"),
        "tls": tls,
        **ports,
    }
    (directory / "apiserver.yaml").write_text(yaml.safe_dump(settings))
    command = (sys.executable, "-m", "master.apiserver.main", "--config", str(directory / "apiserver.yaml"))
    process = await asyncio.create_subprocess_exec(*command)
    context = ssl.create_default_context(cafile=tls["ca"])
    context.load_cert_chain(tls["cert"], tls["key"])
    connector = aiohttp.TCPConnector(ssl=context, limit=CONNECTIONS)
    try:
        async with aiohttp.ClientSession(f"https://127.0.0.1:{ports['rest_port']}", connector=connector) as session:
            await _answers(session)
            yield session, psutil.Process(process.pid)
    finally:
        os.kill(process.pid, signal.SIGTERM)
        await process.wait()


_FILES = {"ca": "ca.crt", "cert": "admin.crt", "key": "admin.key"}


async def _answers(session: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(START_LIMIT_S):
        while True:
            try:
                async with session.get("/readyz") as response:
                    response.raise_for_status()
                return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
