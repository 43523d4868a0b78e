"""Run in a network namespace of its own: what many Services cost one backend of the proxy, a figure a line."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path

import uvloop
from podlab_testing.proxying import answers, backend_of, listening, run
from podlab_testing.services import CLUSTER_CIDR, exposures

from node.proxy import trimmed
from node.proxy.backend import Backend
from node.proxy.exposures import Exposures, ServiceName
from node.proxy.frontends import Exposure, exposure_of
from node.proxy.node import ProxyNode
from node.tracing.follow import follow
from node.tracing.packet import Packet
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointPort, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta

ENDPOINTS = 2
PODS_PER_NODE = 110
NODE = ProxyNode("n1", CLUSTER_CIDR, pod_cidr="10.244.0.0/24")
FIRST_ADDRESS, FIRST_POD = ip_address("10.96.0.1"), ip_address("10.244.0.2")
TIMES = 9
FULL_SYNC_AIMS = {"nft": "8 s", "legacy": "1 s", "nftables": "1 s"}


def address(number: int) -> str:
    return str(FIRST_ADDRESS + number)


def service(number: int) -> Service:
    port = ServicePort(name="http", protocol="TCP", port=80)
    spec = ServiceSpec(type="ClusterIP", clusterIP=address(number), ports=[port])
    return Service(metadata=ObjectMeta(name=f"s{number}", namespace="default"), spec=spec)


def endpoint_slice(number: int, *addresses: str) -> EndpointSlice:
    first = number * ENDPOINTS
    pods = {str(FIRST_POD + index): f"n{index // PODS_PER_NODE + 1}" for index in range(first, first + ENDPOINTS)}
    return EndpointSlice(
        metadata=ObjectMeta(name=f"s{number}-a", namespace="default", labels={SERVICE_NAME_LABEL: f"s{number}"}),
        addressType="IPv4",
        ports=[EndpointPort(name="http", protocol="TCP", port=8080)],
        endpoints=[
            Endpoint(addresses=[each], nodeName=node)
            for each, node in (dict.fromkeys(addresses, "n1") if addresses else pods).items()
        ],
    )


class Measured:
    """One backend, and what it writes for a number of Services."""

    def __init__(self, name: str, services: int) -> None:
        self.name, self.count = name, services
        self.backend: Backend = backend_of(name, NODE)
        self.services = [trimmed.service(service(number)) for number in range(services)]
        self.slices = {
            ("default", f"s{number}"): trimmed.endpoint_slice(endpoint_slice(number)) for number in range(services)
        }
        self.known = Exposures()

    def tell(self, what: str, figure: str, aim: str = "") -> None:
        """A line; the aim is for 10,000 Services."""
        text = f"{figure}, aim {aim}" if aim else figure
        print(f"proxy, {self.name}, {self.count} Services x {ENDPOINTS} endpoints: {what}: {text}", flush=True)

    async def everything(self) -> None:
        """From objects to rules in force, with none there before."""
        started, cpu_s = time.perf_counter(), processor_s()
        slices = self.slices
        await self.change(
            {name: exposure_of(each, [slices[name]], NODE) for each, name in zip(self.services, slices, strict=True)}
        )
        took_s, cpu_s = time.perf_counter() - started, processor_s() - cpu_s
        self.tell("full sync", f"{took_s:.2f} s ({cpu_s:.2f} s of processor)", FULL_SYNC_AIMS[self.name])

    async def change(self, changed: Mapping[ServiceName, Exposure]) -> None:
        await self.backend.write(self.known.change(changed))

    async def one(self, what: str, change: Callable[[int], Mapping[ServiceName, Exposure]]) -> None:
        """The same change of several Services one after another."""
        took_s, cpu_s = [], processor_s()
        for index in range(TIMES):
            started = time.perf_counter()
            await self.change(change(index))
            took_s.append(time.perf_counter() - started)
        middle, cpu_s = statistics.median(took_s), (processor_s() - cpu_s) / TIMES
        self.tell(what, f"{middle * 1000:.0f} ms (median of {TIMES}; {cpu_s * 1000:.0f} ms of processor)", "50 ms")

    async def added(self) -> None:
        spare = self.count + 7

        def add(index: int) -> Mapping[ServiceName, Exposure]:
            number = spare + index * 11
            return exposures([service(number)], [endpoint_slice(number)], NODE)

        await self.one("one Service more in force", add)

    async def endpoint_gone(self) -> None:
        def take(index: int) -> Mapping[ServiceName, Exposure]:
            number = index * self.count // TIMES
            found = endpoint_slice(number)
            del found.endpoints[0]
            return exposures([self.services[number]], [found], NODE)

        await self.one("one endpoint less in force", take)

    async def looked_at(self, what: str) -> None:
        """What it costs to find that nobody has changed the rules."""
        await self.backend.verify()
        before_s = processor_s()
        await self.backend.verify()
        self.tell(what, f"{(processor_s() - before_s) * 1000:.0f} ms of processor")

    def rules_met(self) -> None:
        tables = self.backend.wanted()()
        packets = [Packet("10.244.9.9", address(number), 80) for number in range(self.count)]
        # From the first and the last pod of this node, to Services of which all endpoints are here.
        sources, here = (FIRST_POD, FIRST_POD + PODS_PER_NODE - 1), PODS_PER_NODE // ENDPOINTS
        packets += [Packet(str(source), address(number), 80) for number in range(here) for source in sources]
        met = max(follow(tables, packet).met for packet in packets)
        self.tell("rules met by a new connection", f"at most {met}", "64")

    async def answers(self) -> None:
        """A Service that is added answers."""
        with listening("127.0.0.2", port=8080):
            number = self.count + 3
            await self.change(exposures([service(number)], [endpoint_slice(number, "127.0.0.2")], NODE))
            assert answers(address(number), 80)

    def memory(self) -> None:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
        kib = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        self.tell("memory, objects included", f"{kib / 1024:.0f} MiB (PSS)", "80 MiB")


def processor_s() -> float:
    """Of this process and of the programs that it ran."""
    programs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + programs.ru_utime + programs.ru_stime


async def measure(name: str, services: int) -> None:
    measured = Measured(name, services)
    await measured.everything()
    await measured.added()
    await measured.endpoint_gone()
    await measured.looked_at("finding every 5 s that nobody changed the rules")
    measured.memory()
    measured.rules_met()
    await measured.answers()


if __name__ == "__main__":
    # Everything is on the loopback, which has an address to masquerade with.
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", "192.0.2.1/32", "dev", "lo")
    run("ip", "route", "add", "default", "dev", "lo")
    uvloop.run(measure(sys.argv[1], int(sys.argv[2])))
