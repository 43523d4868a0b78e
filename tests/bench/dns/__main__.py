"""`python tests/bench/dns [SERVICES]`: what the cluster's DNS of one node does, a figure a line.

A real API server, agent and DNS server on loopback. Rates come from dnsperf, where it is installed; those of a core are
over the server's own processor time.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))

import uvloop
from podlab_testing.cluster import Authority, Cluster
from podlab_testing.ports import reserved_ports
from podlab_testing.resolver import ADDRESS, Resolver
from podlab_testing.waiting import until

from master.apiserver.authorization.component_roles import DNS_USER
from master.apiserver.settings import ApiServerSettings
from node.dns.message import NOERROR, NXDOMAIN
from node.dns.record import name_to_wire
from podlab.client.client import Client
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

SERVICES = 10_000
CREATES, ASKED = 200, 5_000
AT_ONCE = 64
SECONDS = 8
DOMAIN = "default.svc.cluster.local"


def service(name: str) -> Service:
    ports = [ServicePort(name="http", protocol="TCP", port=80)]
    return Service(metadata=ObjectMeta(namespace="default", name=name), spec=ServiceSpec(ports=ports))


def quantiles(values: Sequence[float]) -> str:
    ordered = sorted(values)
    return f"p50 {ordered[len(ordered) // 2]:.2f} ms, p99 {ordered[len(ordered) * 99 // 100]:.2f} ms"


def memory_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Asking:
    """One client that asks, waits, and asks again."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(5)
        self._socket.connect((ADDRESS, port))

    def code(self, name: str) -> int:
        self._socket.send(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + name_to_wire(name) + b"\0\1\0\1")
        return self._socket.recv(4096)[3] & 15

    def times_ms(self, name: Callable[[], str], wanted: int) -> list[float]:
        found: list[float] = []
        for _ in range(ASKED):
            asked, began_s = name(), time.perf_counter()
            assert self.code(asked) == wanted
            found.append((time.perf_counter() - began_s) * 1000)
        return found


def rate(resolver: Resolver, what: str, name: Callable[[], str]) -> None:
    """By dnsperf: queries a second, and a second of the server's processor time."""
    if shutil.which("dnsperf") is None:
        print(f"{what}, rate: not measured: apt-get install dnsperf")
        return
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("".join(f"{name()} A\n" for _ in range(50_000)))
        file.flush()
        before_s = processor_s(resolver.pid)
        words = ["dnsperf", "-s", ADDRESS, "-p", str(resolver.port), "-d", file.name, "-l", str(SECONDS), "-c", "8"]
        printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        used_s = processor_s(resolver.pid) - before_s
    completed, lost = (int(re.findall(rf"Queries {word}:\s+(\d+)", printed)[0]) for word in ("completed", "lost"))
    print(f"{what}, rate: {completed / SECONDS:,.0f}/s, {completed / used_s:,.0f}/s a core, {lost} lost")


async def create_all(admin: Client, names: Sequence[str]) -> None:
    waiting = iter(names)

    async def some() -> None:
        for name in waiting:
            await admin.create(service(name))

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


async def first_answers_ms(admin: Client, asking: Asking) -> list[float]:
    """From the call that creates a Service until its name is answered; each name was asked for before."""
    found: list[float] = []
    for number in range(CREATES):
        name = f"new-{number}.{DOMAIN}"
        assert asking.code(name) == NXDOMAIN
        began_s = time.perf_counter()
        creating = asyncio.create_task(admin.create(service(f"new-{number}")))
        await until(lambda: asking.code(name) == NOERROR, f"{name} is answered", every_s=0.001)  # noqa: B023
        found.append((time.perf_counter() - began_s) * 1000)
        await creating
    return found


def there(count: int) -> Callable[[], str]:
    return lambda: f"svc-{random.randrange(count)}.{DOMAIN}"


def missing() -> str:
    return f"none-{random.randrange(1_000_000)}.{DOMAIN}"


async def measure(count: int, directory: Path) -> None:
    authority = Authority(directory / "pki")
    with reserved_ports(4) as ports:
        settings = ApiServerSettings(
            cluster_name="bench", advertise_address="192.0.2.1", data_dir=directory / "apiserver",
            tls=replace(authority.tls("system:apiserver"), client_ca=authority.signing()[0]),
            service_account_keys=(authority.tls("service-accounts").key,),
            bind_address="127.0.0.1", port=ports[0], rest_port=ports[1], front_proxy=authority.front_proxy(),
            scheduler=f"127.0.0.1:{ports[2]}",
        )  # fmt: skip
        cluster = Cluster(authority, settings)
        await cluster.start()
        served = directory / "dns"
        served.mkdir()
        try:
            async with Resolver(served, ports[3]) as resolver:
                await compare(cluster, resolver, count)
        finally:
            await cluster.close()


async def compare(cluster: Cluster, resolver: Resolver, count: int) -> None:
    admin = await cluster.client()
    await create_all(admin, [f"svc-{number}" for number in range(count)])
    tls = cluster.authority.tls(DNS_USER)
    words = [Path(__file__).with_name("agent.py"), cluster.server, tls.ca, tls.cert, tls.key, resolver.directory]
    began_s = time.perf_counter()
    agent = await asyncio.create_subprocess_exec(sys.executable, *map(str, words), stdout=subprocess.PIPE)
    try:
        assert agent.stdout is not None
        await asyncio.wait_for(agent.stdout.readline(), 120)
        print(f"{count:,} Services: answered {time.perf_counter() - began_s:.1f} s after the agent's start")
        asking = Asking(resolver.port)
        await asyncio.to_thread(figures, resolver, asking, count)
        print(f"create a Service to its first answer: {quantiles(await first_answers_ms(admin, asking))}")
        resolver.stop()
        began_s = time.perf_counter()
        await resolver.start()
        print(f"the server answers again {time.perf_counter() - began_s:.2f} s after its start")
        print(f"memory: server {memory_mib(resolver.pid):.0f} MiB, agent {memory_mib(agent.pid):.0f} MiB")
    finally:
        agent.kill()
        await agent.wait()


def figures(resolver: Resolver, asking: Asking, count: int) -> None:
    cases = (("names there", there(count), NOERROR), ("names not there", missing, NXDOMAIN))
    for what, name, wanted in cases:
        print(f"{what}, one after another: {quantiles(asking.times_ms(name, wanted))}")
        rate(resolver, what, name)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        uvloop.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else SERVICES, Path(temporary)))
