"""Many Services at once, for tests of the proxy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_address

from node.family import IPV4, IPV6, Family
from node.iptables import Ruleset
from node.proxy.exposures import Exposures, ServiceName
from node.proxy.frontends import Exposure, exposure_of
from node.proxy.iptables.layout import Layout, to_ruleset
from node.proxy.node import ProxyNode
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointPort, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta

CLUSTER_CIDR = "10.244.0.0/16"
CLUSTER_CIDRS = {IPV4: CLUSTER_CIDR, IPV6: "fd00:10:244::/56"}
FIRST_ADDRESSES = {IPV4: ip_address("10.96.1.1"), IPV6: ip_address("fd00:10:96::1:1")}
FIRST_PODS = {IPV4: ip_address("10.244.0.2"), IPV6: ip_address("fd00:10:244::2")}


def service(number: int, family: Family = IPV4) -> Service:
    spec = ServiceSpec(
        type="NodePort",
        clusterIP=str(FIRST_ADDRESSES[family] + number),
        ports=[ServicePort(name="http", protocol="TCP", port=80, nodePort=30000 + number)],
        sessionAffinity="ClientIP" if number % 2 else "None",
        externalTrafficPolicy="Local" if number % 3 == 0 else "Cluster",
    )
    return Service(metadata=ObjectMeta(name=f"s{number}", namespace="default"), spec=spec)


def endpoint_slice(number: int, endpoints: int, family: Family = IPV4) -> EndpointSlice:
    labels = {SERVICE_NAME_LABEL: f"s{number}"}
    return EndpointSlice(
        metadata=ObjectMeta(name=f"s{number}-a", namespace="default", labels=labels),
        addressType=family.name,
        ports=[EndpointPort(name="http", protocol="TCP", port=8080)],
        endpoints=[
            Endpoint(addresses=[str(FIRST_PODS[family] + number * 4 + each)], nodeName=f"n{each % 2 + 1}")
            for each in range(endpoints)
        ],
    )


def exposures(
    services: Iterable[Service], slices: Iterable[EndpointSlice], node: ProxyNode
) -> Mapping[ServiceName, Exposure]:
    """How the node exposes these Services."""
    by_service: dict[ServiceName, list[EndpointSlice]] = {}
    for each in slices:
        name = each.metadata.namespace, each.metadata.labels[SERVICE_NAME_LABEL]
        by_service.setdefault(name, []).append(each)
    names = {(service.metadata.namespace, service.metadata.name): service for service in services}
    return {name: exposure_of(service, by_service.get(name, ()), node) for name, service in names.items()}


def layout(services: Iterable[Service], slices: Iterable[EndpointSlice], node: ProxyNode) -> Layout:
    """The iptables chains of these Services."""
    return Layout(node).changed(Exposures().change(exposures(services, slices, node)))


def world(services: int, endpoints: int, family: Family = IPV4) -> Ruleset:
    node = ProxyNode("n1", CLUSTER_CIDRS[family], family=family)
    slices = [endpoint_slice(number, endpoints, family) for number in range(services)]
    return to_ruleset(layout((service(number, family) for number in range(services)), slices, node).tables())
