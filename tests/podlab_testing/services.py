"""Many Services at once, for tests of the proxy."""

from __future__ import annotations

from ipaddress import ip_address

from node.iptables import Ruleset
from node.proxy.rules import ProxyNode, render, to_ruleset
from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointPort, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta

CLUSTER_CIDR = "10.244.0.0/16"


def service(number: int) -> Service:
    spec = ServiceSpec(
        type="NodePort",
        clusterIP=str(ip_address("10.96.1.1") + number),
        ports=[ServicePort(name="http", protocol="TCP", port=80, nodePort=30000 + number)],
        sessionAffinity="ClientIP" if number % 2 else "None",
        externalTrafficPolicy="Local" if number % 3 == 0 else "Cluster",
    )
    return Service(metadata=ObjectMeta(name=f"s{number}", namespace="default"), spec=spec)


def endpoint_slice(number: int, endpoints: int) -> EndpointSlice:
    labels = {SERVICE_NAME_LABEL: f"s{number}"}
    return EndpointSlice(
        metadata=ObjectMeta(name=f"s{number}-a", namespace="default", labels=labels),
        addressType="IPv4",
        ports=[EndpointPort(name="http", protocol="TCP", port=8080)],
        endpoints=[
            Endpoint(addresses=[str(ip_address("10.244.0.2") + number * 4 + each)], nodeName=f"n{each % 2 + 1}")
            for each in range(endpoints)
        ],
    )


def world(services: int, endpoints: int) -> Ruleset:
    slices = [endpoint_slice(number, endpoints) for number in range(services)]
    return to_ruleset(render(map(service, range(services)), slices, ProxyNode("n1", CLUSTER_CIDR)))
