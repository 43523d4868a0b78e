"""Which server a proxied request is for."""

from __future__ import annotations

import pytest

from master.apiserver.egress.destinations import Address, PodPort, ServiceReference
from master.apiserver.rest.proxy import destinations
from master.apiserver.rest.proxy.names import Named
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest, ServiceUnavailable
from podlab.meta.v1.meta_pb2 import ObjectMeta


def pod(address: str = "10.0.0.1", **ports: int) -> Pod:
    made = Pod(metadata=ObjectMeta(name="p", namespace="x"))
    made.status.podIP = address
    made.spec.containers.add(name="first")
    second = made.spec.containers.add(name="second")
    for name, port in ports.items():
        second.ports.add(name=name.strip("_"), containerPort=port)
    return made


def node(address: str = "10.9.0.1", kubelet: int = 7450) -> Node:
    made = Node(metadata=ObjectMeta(name="n1"))
    if address:
        made.status.addresses.add(type="InternalIP", address=address)
    made.status.daemonEndpoints.kubeletEndpoint.Port = kubelet
    return made


@pytest.mark.parametrize(
    ("of", "scheme", "text", "port"),
    [
        (pod(), "http", "", 80),
        (pod(), "https", "", 443),
        (pod(web=8080, admin=9090), "http", "", 8080),
        (pod(web=8080, admin=9090), "http", "admin", 9090),
        (pod(web=8080), "http", "81", 81),
        (pod("fd00::1", _=8080), "http", "", 8080),
    ],
)
def test_a_pods_port_is_named_or_its_first_or_the_schemes(of: Pod, scheme: str, text: str, port: int) -> None:
    assert destinations.of_pod(of, Named(scheme, "p", text)) == PodPort("x", "p", port)


@pytest.mark.parametrize("address", ["", "127.0.0.1", "::1", "169.254.169.254", "224.0.0.1", "0.0.0.0", "nonsense"])
def test_nothing_leads_to_the_servers_own_host(address: str) -> None:
    with pytest.raises(BadRequest, match="address not allowed"):
        destinations.of_pod(pod(address), Named("http", "p", ""))
    with pytest.raises((BadRequest, ServiceUnavailable)):
        destinations.of_node(node(address), Named("http", "n1", "80"))


@pytest.mark.parametrize("text", ["web", "0", "65536", "-1", "8080x", "٣"])
def test_a_port_that_there_cannot_be_is_told(text: str) -> None:
    for find in (lambda named: destinations.of_pod(pod(), named), lambda named: destinations.of_node(node(), named)):
        with pytest.raises(ServiceUnavailable, match=f"lookup tcp/{text}: unknown port"):
            find(Named("http", "p", text))


@pytest.mark.parametrize(("text", "port"), [("", ""), ("80", 80), ("web", "web"), ("٣", "٣")])
def test_a_services_port_is_a_number_or_a_name(text: str, port: int | str) -> None:
    assert destinations.of_service("x", Named("http", "s", text)) == ServiceReference("x", "s", port)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("", None), ("7450", None), ("10250", Address("10.9.0.1", 10250)), ("80", Address("10.9.0.1", 80))],
)
def test_a_nodes_port_is_its_kubelets_or_its_hosts(text: str, wanted: Address | None) -> None:
    assert destinations.of_node(node(), Named("http", "n1", text)) == wanted


def test_a_node_without_address_is_told() -> None:
    with pytest.raises(ServiceUnavailable, match="no InternalIP"):
        destinations.of_node(node(""), Named("http", "n1", "80"))
