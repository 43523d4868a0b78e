"""The agent between a real API server and the real DNS server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from podlab_testing.cluster import Cluster as ApiServer
from podlab_testing.ports import reserved_ports
from podlab_testing.resolver import ADDRESS, KRESD, Resolver
from podlab_testing.waiting import WITHIN_S, until

from master.apiserver.authorization.component_roles import DNS_USER
from node.dns.agent import DnsAgent, NodeDns
from node.dns.message import NOERROR, NXDOMAIN, SERVFAIL
from node.dns.records import Cluster
from node.dns.server import DnsServer
from node.dns.tracing import DnsServicer
from podlab.client.client import Client
from podlab.core.v1 import config_pb2, namespace_pb2, service_pb2
from podlab.discovery.v1 import endpointslice_pb2
from podlab.errors import BadRequest, Forbidden
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.v1 import dns_pb2

pytestmark = pytest.mark.skipif(KRESD is None, reason="a server of our own needs knot-resolver")

NODE = NodeDns(
    Cluster("cluster.local", "10.96.0.10"),
    (IPv4Network("10.96.0.0/16"), IPv4Network("10.244.0.0/16")),
    managed_address=False,
)


@asynccontextmanager
async def agent(api: ApiServer, directory: Path, node: NodeDns = NODE) -> AsyncIterator[DnsAgent]:
    """A running one, as its own user."""
    client = await api.client(DNS_USER)
    made = DnsAgent(client, node, DnsServer(directory))
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def resolver(tmp_path: Path) -> AsyncIterator[Resolver]:
    directory = tmp_path / "dns"
    directory.mkdir()
    with reserved_ports(1) as (port,):
        async with Resolver(directory, port) as made:
            yield made


@pytest.fixture
async def synced(cluster: ApiServer, admin: Client, resolver: Resolver) -> AsyncIterator[DnsAgent]:
    async with agent(cluster, resolver.directory) as made:
        await asyncio.wait_for(made.synced.wait(), WITHIN_S)
        yield made


def service(name: str, **spec: object) -> service_pb2.Service:
    ports = [service_pb2.ServicePort(name="http", port=80)]
    made = service_pb2.Service(metadata=ObjectMeta(namespace="default", name=name))
    made.spec.CopyFrom(service_pb2.ServiceSpec(**{"ports": ports, **spec}))  # type: ignore[arg-type]
    return made


async def test_what_there_is_already_is_there_once_it_is_synced(synced: DnsAgent, resolver: Resolver) -> None:
    assert [record.data for record in resolver.ask("kubernetes.default.svc.cluster.local").answers] == ["10.96.0.1"]
    assert [record.data for record in resolver.ask("kube-dns.kube-system.svc.cluster.local").answers] == ["10.96.0.10"]
    assert resolver.ask("kube-public.svc.cluster.local").is_nodata
    assert resolver.ask("1-2-3-4.kube-system.pod.cluster.local").rcode == NOERROR


async def test_services_come_change_and_go(admin: Client, synced: DnsAgent, resolver: Resolver) -> None:
    made = await admin.create(service("web"))
    await until(lambda: resolver.ask("web.default.svc.cluster.local").rcode == NOERROR, "the name is there")
    assert resolver.ask("web.default.svc.cluster.local").answers[0].data == made.spec.clusterIP
    await admin.delete(service_pb2.Service, "web", "default")
    await until(lambda: resolver.ask("web.default.svc.cluster.local").rcode == NXDOMAIN, "the name is gone")


async def test_headless_services_follow_their_slices(admin: Client, synced: DnsAgent, resolver: Resolver) -> None:
    name = "set.default.svc.cluster.local"
    await admin.create(service("set", clusterIP="None"))
    made = endpointslice_pb2.EndpointSlice(
        metadata=ObjectMeta(namespace="default", name="set-1", labels={"kubernetes.io/service-name": "set"}),
        addressType="IPv4",
        ports=[endpointslice_pb2.EndpointPort(name="http", protocol="TCP", port=80)],
        endpoints=[endpointslice_pb2.Endpoint(addresses=["10.244.0.5"], hostname="set-0")],
    )
    await admin.create(made)
    await until(lambda: resolver.ask(f"set-0.{name}").rcode == NOERROR, "the endpoint has a name")
    assert resolver.ask("5.0.244.10.in-addr.arpa", "PTR").answers[0].data == f"set-0.{name}"
    assert resolver.ask(f"_http._tcp.{name}", "SRV").answers[0].data == f"0 100 80 set-0.{name}"
    await admin.delete(endpointslice_pb2.EndpointSlice, "set-1", "default")
    await until(lambda: resolver.ask(name).rcode == NXDOMAIN, "a Service without endpoints has no name")


async def test_it_is_remembered_since_when_names_are_in_force(admin: Client, synced: DnsAgent) -> None:
    spans = synced.in_force.spans
    await admin.create(service("web"))
    await admin.create(service("set", clusterIP="None"))
    for name in ("web", "set"):
        made = endpointslice_pb2.EndpointSlice(
            metadata=ObjectMeta(namespace="default", name=f"{name}-1", labels={"kubernetes.io/service-name": name}),
            addressType="IPv4",
            endpoints=[endpointslice_pb2.Endpoint(addresses=["10.244.0.5"])],
        )
        await until(lambda name=name: spans.of([f"default/{name}:"]), "the Service has a name")
        await admin.create(made)
    await until(lambda: spans.of(["default/set:10.244.0.5"]), "the name has the endpoint")
    assert [(each.name, each.detail) for _, each in spans.of(["default/set:10.244.0.5"])] == [("names", "set")]
    assert spans.of(["default/web:10.244.0.5"]) == []  # its name has nothing to do with endpoints


async def test_names_of_a_namespace_go_with_it(admin: Client, synced: DnsAgent, resolver: Resolver) -> None:
    await admin.create(namespace_pb2.Namespace(metadata=ObjectMeta(name="short")))
    await until(lambda: resolver.ask("short.svc.cluster.local").is_nodata, "the namespace has a name")
    await admin.delete(namespace_pb2.Namespace, "short")
    found = await admin.get(namespace_pb2.Namespace, "short")
    assert found.status.phase == "Terminating"  # nobody empties it here
    assert resolver.ask("short.svc.cluster.local").is_nodata


async def test_the_configuration_follows_its_config_map_and_a_bad_one_changes_nothing(
    admin: Client, synced: DnsAgent, resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    made = config_pb2.ConfigMap(metadata=ObjectMeta(namespace="kube-system", name="cluster-dns"))
    made.data["hosts"] = "192.0.2.9 db.example"
    made = await admin.create(made)
    await until(lambda: resolver.ask("db.example").rcode == NOERROR, "the added name is there")
    made.data["hosts"] = "192.0.2.10 db.example"
    made.data["forwarders"] = "nobody"
    made = await admin.update(made)
    told = "forwarders, line 1: 'nobody' is no address"
    await until(lambda: told in caplog.text, "the problem is told")
    assert resolver.ask("db.example").answers[0].data == "192.0.2.9"
    made.data["forwarders"] = "127.0.0.1:1"
    await admin.update(made)
    await until(lambda: resolver.ask("db.example").answers[0].data == "192.0.2.10", "the added name is another")
    await admin.delete(config_pb2.ConfigMap, "cluster-dns", "kube-system")
    await until(lambda: resolver.ask("9.2.0.192.in-addr.arpa", "PTR").rcode in (SERVFAIL, NXDOMAIN), "it is gone")


async def test_restarts_of_either_give_no_false_answer(cluster: ApiServer, admin: Client, resolver: Resolver) -> None:
    async with agent(cluster, resolver.directory) as first:
        await asyncio.wait_for(first.synced.wait(), WITHIN_S)
        await admin.create(service("web"))
        await until(lambda: resolver.ask("web.default.svc.cluster.local").rcode == NOERROR, "the name is there")
    await admin.create(service("later"))
    assert resolver.ask("web.default.svc.cluster.local").rcode == NOERROR
    resolver.stop()
    async with agent(cluster, resolver.directory) as second:
        assert not second.synced.is_set()
        await resolver.start()
        assert resolver.ask("web.default.svc.cluster.local").rcode == NOERROR
        await asyncio.wait_for(second.synced.wait(), WITHIN_S)
        assert resolver.ask("later.default.svc.cluster.local").rcode == NOERROR


async def test_what_could_not_be_written_is_written_later(
    admin: Client, synced: DnsAgent, resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    records, aside = resolver.directory / "records", resolver.directory / "aside"
    records.rename(aside)
    records.mkdir()
    await admin.create(service("web"))
    await until(lambda: "Is a directory" in caplog.text, "the problem is told")
    records.rmdir()
    aside.rename(records)
    await until(lambda: resolver.ask("web.default.svc.cluster.local").rcode == NOERROR, "the name is there")


async def test_a_traced_name_says_what_hit_and_which_object_it_is_from(
    cluster: ApiServer, admin: Client, resolver: Resolver
) -> None:
    node = replace(NODE, cluster=Cluster("cluster.local", ADDRESS))
    async with agent(cluster, resolver.directory, node) as traced:
        await asyncio.wait_for(traced.synced.wait(), WITHIN_S)
        servicer = DnsServicer(traced, port=resolver.port)
        await admin.create(service("web"))
        await until(lambda: resolver.ask("web.default.svc.cluster.local").rcode == NOERROR, "the name is there")
        asked = dns_pb2.TraceNameRequest(namespace="kube-system", pod="a", name="web.default")
        found = await servicer.trace(asked)
        missed, hit = found.steps
        assert (missed.question, missed.outcome) == ("web.default.kube-system.svc.cluster.local", "NXDOMAIN")
        assert (hit.question, list(hit.origins)) == ("web.default.svc.cluster.local", ["Service default/web"])
        assert (found.found, hit.answers[0].split()[:2]) == (True, ["web.default.svc.cluster.local", "A"])
        asked.name = f"{'a' * 64}."
        assert (await servicer.trace(asked)).steps[0].outcome.startswith("aaa")
        asked.type = "MX"
        with pytest.raises(BadRequest, match="Unsupported value"):
            await servicer.trace(asked)


async def test_the_agent_may_read_what_it_needs_and_no_more(cluster: ApiServer, admin: Client) -> None:
    client = await cluster.client(DNS_USER)
    with pytest.raises(Forbidden):
        await client.list(config_pb2.ConfigMap, "kube-system")
    with pytest.raises(Forbidden):
        await client.create(service("web"))
