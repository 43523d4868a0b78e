"""What is measured: an API server, the agent, and the two DNS servers of a node, each a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import psutil
from apiserver import ApiServer, started
from podlab_testing.ports import reserved_ports
from podlab_testing.resolver import Resolver

from node.dns.server import CONTROLS
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.client.client import Client
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointPort, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta

AGENT = Path(__file__).with_name("agent.py")
ENDPOINTS, FIRST_POD = 2, ip_address("10.244.0.2")
AT_ONCE = 64
ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}  # as its unit has it (playbooks/roles/podlab/templates/podlab.service.j2)
SYNC_LIMIT_S = 120


@dataclass(frozen=True)
class Standing:
    """All of it with its Services; `synced_after_s` the agent's start all names were answered."""

    admin: Client
    servers: Sequence[Resolver]
    agent: psutil.Process
    synced_after_s: float

    @property
    def port(self) -> int:
        """That the servers share."""
        return self.servers[0].port

    def processor_s(self) -> float:
        """What both DNS servers have taken so far."""
        return sum(_processor_s(each.pid) for each in self.servers)

    def agent_processor_s(self) -> float:
        """What the agent has taken so far."""
        return _processor_s(self.agent.pid)

    def memory_mib(self) -> list[float]:
        """Proportional set sizes of the DNS servers, then of the agent."""
        processes = [*(psutil.Process(each.pid) for each in self.servers), self.agent]
        return [each.memory_full_info().pss / (1 << 20) for each in processes]


def _processor_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def service(name: str) -> Service:
    """A Service of one named port in the namespace `default`."""
    ports = [ServicePort(name="http", protocol="TCP", port=80)]
    return Service(metadata=ObjectMeta(namespace="default", name=name), spec=ServiceSpec(ports=ports))


def endpoint_slice(name: str, number: int) -> EndpointSlice:
    """Of the Service of that name, with ENDPOINTS of its own."""
    meta = ObjectMeta(namespace="default", name=f"{name}-a", labels={SERVICE_NAME_LABEL: name})
    first = number * ENDPOINTS
    ends = [Endpoint(addresses=[str(FIRST_POD + each)], nodeName="n1") for each in range(first, first + ENDPOINTS)]
    ports = [EndpointPort(name="http", protocol="TCP", port=8080)]
    return EndpointSlice(metadata=meta, addressType="IPv4", ports=ports, endpoints=ends)


async def _create_all(admin: Client, count: int) -> None:
    waiting = iter(range(count))

    async def some() -> None:
        for number in waiting:
            await admin.create(service(f"svc-{number}"))
            await admin.create(endpoint_slice(f"svc-{number}", number))

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


@asynccontextmanager
async def standing(services: int) -> AsyncIterator[Standing]:
    """Services `svc-0` and so on, of ENDPOINTS each; all goes with the block."""
    with tempfile.TemporaryDirectory() as temporary, reserved_ports(1) as (port,):
        first, second = (Resolver(Path(temporary), port, control) for control in CONTROLS)
        async with started() as server, first, second:
            admin = await server.connect()
            await _create_all(admin, services)
            async with _agent(server, Path(temporary)) as (agent, took_s):
                yield Standing(admin, (first, second), agent, took_s)


@asynccontextmanager
async def _agent(server: ApiServer, directory: Path) -> AsyncIterator[tuple[psutil.Process, float]]:
    """The process, and how long it took from its start until the servers knew all names."""
    tls, began_s = server.tls, time.perf_counter()
    words = [AGENT, server.grpc_address, tls.ca, tls.cert, tls.key, directory]
    agent = await asyncio.create_subprocess_exec(
        sys.executable, *map(str, words), stdout=subprocess.PIPE, env=os.environ | ENVIRONMENT
    )
    try:
        assert agent.stdout is not None
        assert await asyncio.wait_for(agent.stdout.readline(), SYNC_LIMIT_S), "the agent ended"
        yield psutil.Process(agent.pid), time.perf_counter() - began_s
    finally:
        agent.terminate()
        await agent.wait()
