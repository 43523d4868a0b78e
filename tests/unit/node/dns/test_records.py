"""The records of objects, as the schema has them: https://github.com/kubernetes/dns/blob/master/docs/specification.md"""

from ipaddress import ip_network
from typing import Any

import pytest

from node.dns.record import Record
from node.dns.records import (
    Cluster,
    kept_service,
    kept_slice,
    of_cluster,
    of_namespace,
    of_service,
    reverse_zones,
    service_name,
)
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta

CLUSTER = Cluster("cluster.local", "10.96.0.10")
WEB = "web.default.svc.cluster.local"


def service(ip: str = "10.96.0.7", **spec: Any) -> Service:
    ports = [ServicePort(name="http", protocol="TCP", port=80), ServicePort(port=81)]
    return Service(
        metadata=ObjectMeta(name="web", namespace="default"),
        spec=ServiceSpec(**{"clusterIP": ip, "clusterIPs": [ip] if ip else [], "ports": ports, **spec}),
    )


def endpoints(*found: Endpoint, kind: str = "IPv4") -> EndpointSlice:
    return EndpointSlice(
        addressType=kind, ports=[EndpointPort(name="http", protocol="TCP", port=8080)], endpoints=found
    )


def endpoint(address: str, *, ready: bool | None = True, hostname: str = "") -> Endpoint:
    made = Endpoint(addresses=[address], conditions=EndpointConditions(ready=ready))
    if hostname:
        made.hostname = hostname
    return made


def test_the_cluster_has_its_schema_and_its_server() -> None:
    found = of_cluster(CLUSTER)
    assert found["dns-version.cluster.local"] == {Record("TXT", "1.1.0")}
    assert found["ns.dns.cluster.local"] == {Record("A", "10.96.0.10")}
    assert found["svc.cluster.local"] == frozenset()


def test_a_namespace_has_names_without_records() -> None:
    assert of_namespace(CLUSTER, "a") == {"a.svc.cluster.local": frozenset(), "a.pod.cluster.local": frozenset()}


def test_a_service_has_its_address_its_named_ports_and_its_way_back() -> None:
    assert of_service(CLUSTER, service(), []) == {
        WEB: {Record("A", "10.96.0.7")},
        f"_tcp.{WEB}": frozenset(),
        f"_http._tcp.{WEB}": {Record("SRV", f"0 100 80 {WEB}")},
        "7.0.96.10.in-addr.arpa": {Record("PTR", WEB)},
    }


def test_a_service_that_has_no_address_yet_has_no_name() -> None:
    assert of_service(CLUSTER, service(""), []) == {}


def test_an_external_name_is_a_cname_whatever_else_the_service_says() -> None:
    found = of_service(CLUSTER, service("", type="ExternalName", externalName="DB.Example.COM."), [])
    assert found == {WEB: {Record("CNAME", "db.example.com")}}


def test_a_headless_service_has_each_ready_endpoint_under_a_name_of_its_own() -> None:
    slices = [endpoints(endpoint("10.244.0.5"), endpoint("10.244.1.6", hostname="web-0"))]
    dashed, named = f"10-244-0-5.{WEB}", f"web-0.{WEB}"
    assert of_service(CLUSTER, service("None"), slices) == {
        WEB: {Record("A", "10.244.0.5"), Record("A", "10.244.1.6")},
        dashed: {Record("A", "10.244.0.5")},
        named: {Record("A", "10.244.1.6")},
        f"_tcp.{WEB}": frozenset(),
        f"_http._tcp.{WEB}": {Record("SRV", f"0 100 8080 {dashed}"), Record("SRV", f"0 100 8080 {named}")},
        "5.0.244.10.in-addr.arpa": {Record("PTR", dashed)},
        "6.1.244.10.in-addr.arpa": {Record("PTR", named)},
    }


def test_endpoints_of_both_families_and_of_one_host_name_are_put_together() -> None:
    slices = [
        endpoints(endpoint("10.244.0.5", hostname="a")),
        endpoints(endpoint("fd00::5", hostname="a"), kind="IPv6"),
    ]
    found = of_service(CLUSTER, service("None"), slices)
    assert found[f"a.{WEB}"] == {Record("A", "10.244.0.5"), Record("AAAA", "fd00::5")}


def test_endpoints_that_are_names_have_no_record() -> None:
    assert of_service(CLUSTER, service("None"), [endpoints(endpoint("other.example"), kind="FQDN")]) == {}


@pytest.mark.parametrize(
    ("ready", "published", "there"),
    [(True, False, True), (None, False, True), (False, False, False), (False, True, True)],
)
def test_only_ready_endpoints_are_there_unless_all_are_published(
    ready: bool | None, published: bool, there: bool
) -> None:
    found = of_service(
        CLUSTER, service("None", publishNotReadyAddresses=published), [endpoints(endpoint("10.244.0.5", ready=ready))]
    )
    assert (WEB in found) == there


@pytest.mark.parametrize(
    ("networks", "zones"),
    [
        (["10.96.0.0/16", "10.244.0.0/16"], ["244.10.in-addr.arpa", "96.10.in-addr.arpa"]),
        (["10.96.0.0/12"], ["10.in-addr.arpa"]),
        (["10.96.0.0/12", "10.244.0.0/16"], ["10.in-addr.arpa"]),
        (["192.168.4.0/24"], ["4.168.192.in-addr.arpa"]),
        (["fd00:10:96::/112"], [f"{'0.' * 16}6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa"]),
        ([], []),
    ],
)
def test_reverse_zones_are_of_whole_octets(networks: list[str], zones: list[str]) -> None:
    assert reverse_zones(map(ip_network, networks)) == zones


BOTH = ["10.96.0.7", "fd00::7"]


def whole_service(**spec: Any) -> Service:
    meta = ObjectMeta(name="web", namespace="shop", uid="a", resourceVersion="5", labels={"a": "b"})
    ports = [ServicePort(name="dns", protocol="UDP", port=53, nodePort=30053), ServicePort(port=81)]
    return Service(metadata=meta, spec=ServiceSpec(ports=ports, selector={"app": "web"}, **spec))


def whole_slice() -> EndpointSlice:
    meta = ObjectMeta(name="web-a", namespace="shop", resourceVersion="6", labels={SERVICE_NAME_LABEL: "web"})
    return EndpointSlice(
        metadata=meta,
        addressType="IPv4",
        ports=[EndpointPort(name="dns", protocol="UDP", port=5353), EndpointPort(port=81)],
        endpoints=[
            Endpoint(addresses=["10.244.0.5"], hostname="web-0", nodeName="n1"),
            Endpoint(addresses=["10.244.0.6"], conditions=EndpointConditions(ready=True, serving=True)),
            Endpoint(addresses=["10.244.0.7"], conditions=EndpointConditions(ready=False, terminating=True)),
        ],
    )


@pytest.mark.parametrize(
    "spec",
    [
        {"clusterIP": "10.96.0.7", "clusterIPs": BOTH[:1]},
        {"clusterIP": "10.96.0.7", "clusterIPs": BOTH},
        {"clusterIP": "None", "clusterIPs": ["None"]},
        {"clusterIP": "None", "clusterIPs": ["None"], "publishNotReadyAddresses": True},
        {"type": "ExternalName", "externalName": "db.example.com"},
    ],
    ids=["one address", "two", "headless", "headless, all published", "elsewhere"],
)
def test_what_is_kept_has_the_names_of_the_whole(spec: dict[str, Any]) -> None:
    whole, found = whole_service(**spec), whole_slice()
    wanted = of_service(CLUSTER, whole, [found])
    assert wanted
    assert of_service(CLUSTER, kept_service(whole), [kept_slice(found)]) == wanted


def test_a_slice_is_known_by_its_service_and_each_by_its_revision() -> None:
    kept = kept_slice(whole_slice())
    assert service_name(kept) == "web"
    assert (kept.metadata.resourceVersion, kept_service(whole_service()).metadata.resourceVersion) == ("6", "5")
