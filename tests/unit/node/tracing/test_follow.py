"""Imaginary packets are followed through the rules of each backend, and their landing is asserted."""

from dataclasses import replace
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing.services import exposures, layout

from node.proxy.exposures import Exposures
from node.proxy.iptables.layout import to_ruleset
from node.proxy.nftables.wanted import table_of
from node.proxy.node import ProxyNode
from node.tracing.follow import Followed, follow
from node.tracing.iptables_rules import wanted_tables
from node.tracing.packet import Packet
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta

NODE = ProxyNode("n1", "10.244.0.0/16")
OUTSIDE, POD = "192.0.2.9", "10.244.0.7"


def service(name: str = "web", ip: str = "10.96.0.10", node_port: int = 0, **spec: Any) -> Service:
    port = ServicePort(name="http", protocol="TCP", port=80, nodePort=node_port)
    return Service(
        metadata=ObjectMeta(name=name, namespace="default"),
        spec=ServiceSpec(clusterIP=ip, ports=[port], **spec),
    )


def endpoint(
    ip: str, node: str = "n1", *, ready: bool = True, serving: bool = True, terminating: bool = False
) -> Endpoint:
    conditions = EndpointConditions(ready=ready, serving=serving, terminating=terminating)
    return Endpoint(addresses=[ip], nodeName=node, conditions=conditions)


def endpoint_slice(*endpoints: Endpoint, name: str = "web") -> EndpointSlice:
    labels = {"kubernetes.io/service-name": name}
    return EndpointSlice(
        metadata=ObjectMeta(name=f"{name}-abcde", namespace="default", labels=labels),
        addressType="IPv4",
        ports=[EndpointPort(name="http", protocol="TCP", port=8080)],
        endpoints=endpoints,
    )


class Land(Protocol):
    """Follows a packet through the rules of one backend."""

    def __call__(
        self, services: list[Service], slices: list[EndpointSlice], packet: Packet, node: ProxyNode = NODE
    ) -> Followed: ...


def by_iptables(
    services: list[Service], slices: list[EndpointSlice], packet: Packet, node: ProxyNode = NODE
) -> Followed:
    return follow(wanted_tables(to_ruleset(layout(services, slices, node).tables())), packet)


def by_nftables(
    services: list[Service], slices: list[EndpointSlice], packet: Packet, node: ProxyNode = NODE
) -> Followed:
    known = Exposures()
    known.change(exposures(services, slices, node))
    return follow([table_of(known.frontends(), known.own_endpoints(), node)], packet)


BACKENDS = (by_iptables, by_nftables)


@pytest.fixture(params=BACKENDS)
def land(request: pytest.FixtureRequest) -> Land:
    found: Land = request.param
    return found


def test_a_packet_to_the_cluster_ip_lands_on_any_ready_endpoint(land: Land) -> None:
    slices = [endpoint_slice(endpoint("10.244.0.5"), endpoint("10.244.1.6", "n2"), endpoint("10.244.1.7", ready=False))]
    found = land([service()], slices, Packet(POD, "10.96.0.10", 80))
    assert found.endpoints == ["10.244.0.5:8080", "10.244.1.6:8080"]
    assert not found.masqueraded


def test_a_packet_from_outside_the_pods_is_masqueraded_so_that_the_answer_comes_back(land: Land) -> None:
    found = land([service()], [endpoint_slice(endpoint("10.244.0.5"))], Packet(OUTSIDE, "10.96.0.10", 80))
    assert found.masqueraded
    assert found.endpoints == ["10.244.0.5:8080"]


def test_a_pod_that_reaches_itself_through_its_service_is_masqueraded(land: Land) -> None:
    found = land([service()], [endpoint_slice(endpoint(POD))], Packet(POD, "10.96.0.10", 80))
    assert found.masqueraded


def test_another_port_of_the_cluster_ip_meets_no_rule(land: Land) -> None:
    found = land([service()], [endpoint_slice(endpoint("10.244.0.5"))], Packet(POD, "10.96.0.10", 81))
    assert (found.endpoints, found.rejected) == ([], False)


def test_a_node_port_is_reached_on_the_nodes_own_address_only(land: Land) -> None:
    services, slices = [service(node_port=30080)], [endpoint_slice(endpoint("10.244.1.6", "n2"))]
    assert land(services, slices, Packet(OUTSIDE, "192.0.2.1", 30080, local=True)).endpoints == ["10.244.1.6:8080"]
    assert land(services, slices, Packet(OUTSIDE, "192.0.2.1", 30080)).endpoints == []


def test_external_traffic_policy_local_keeps_the_source_and_stays_on_the_node(land: Land) -> None:
    services = [service(node_port=30080, externalTrafficPolicy="Local")]
    slices = [endpoint_slice(endpoint("10.244.0.5", "n1"), endpoint("10.244.1.6", "n2"))]
    found = land(services, slices, Packet(OUTSIDE, "192.0.2.1", 30080, local=True))
    assert found.endpoints == ["10.244.0.5:8080"]
    assert not found.masqueraded


def balanced(mode: str = "VIP", **changes: Any) -> Service:
    """A Service for which a load balancer takes what is sent to 203.0.113.5."""
    made = service(**{"type": "LoadBalancer", **changes})
    made.status.loadBalancer.ingress.add(ip="203.0.113.5", ipMode=mode)
    return made


@pytest.mark.parametrize("node_port", [0, 30080])
def test_nodes_answer_for_a_load_balancers_address(land: Land, node_port: int) -> None:
    slices = [endpoint_slice(endpoint("10.244.1.6", "n2"))]
    found = land([balanced(node_port=node_port)], slices, Packet(OUTSIDE, "203.0.113.5", 80))
    assert (found.endpoints, found.masqueraded) == (["10.244.1.6:8080"], True)
    assert land([balanced()], slices, Packet(OUTSIDE, "203.0.113.5", 81)).endpoints == []


def test_behind_a_load_balancer_the_policy_local_keeps_the_source_and_stays_on_the_node(land: Land) -> None:
    slices = [endpoint_slice(endpoint("10.244.0.5", "n1"), endpoint("10.244.1.6", "n2"))]
    services = [balanced(externalTrafficPolicy="Local")]
    found = land(services, slices, Packet(OUTSIDE, "203.0.113.5", 80))
    assert (found.endpoints, found.masqueraded) == (["10.244.0.5:8080"], False)
    inside = land(services, slices, Packet(POD, "203.0.113.5", 80))
    assert inside.endpoints == ["10.244.0.5:8080", "10.244.1.6:8080"]


def test_a_load_balancers_address_without_endpoints_refuses_at_once(land: Land) -> None:
    assert land([balanced()], [], Packet(OUTSIDE, "203.0.113.5", 80)).rejected


@pytest.mark.parametrize("changes", [{"mode": "Proxy"}, {"type": "NodePort"}])
def test_an_address_for_which_somebody_else_answers_meets_no_rule(land: Land, changes: dict[str, str]) -> None:
    found = land([balanced(**changes)], [endpoint_slice(endpoint("10.244.0.5"))], Packet(OUTSIDE, "203.0.113.5", 80))
    assert (found.endpoints, found.rejected) == ([], False)


@pytest.mark.parametrize("slices", [[], [endpoint_slice()], [endpoint_slice(endpoint("10.244.0.5", ready=False))]])
def test_a_service_without_endpoints_refuses_at_once(land: Land, slices: list[EndpointSlice]) -> None:
    services = [service(node_port=30080)]
    assert land(services, slices, Packet(POD, "10.96.0.10", 80)).rejected
    assert land(services, slices, Packet(OUTSIDE, "192.0.2.1", 30080, local=True)).rejected


def test_terminating_endpoints_serve_only_when_nothing_else_does(land: Land) -> None:
    going = endpoint("10.244.0.5", ready=False, terminating=True)
    assert land([service()], [endpoint_slice(going)], Packet(POD, "10.96.0.10", 80)).endpoints == ["10.244.0.5:8080"]
    with_ready = [endpoint_slice(going, endpoint("10.244.0.6"))]
    assert land([service()], with_ready, Packet(POD, "10.96.0.10", 80)).endpoints == ["10.244.0.6:8080"]


@pytest.mark.parametrize(
    "packet",
    [Packet(POD, "192.0.2.1", 30080, local=True), Packet("192.0.2.1", "192.0.2.1", 30080, local=True, from_node=True)],
)
def test_external_traffic_policy_local_binds_only_clients_outside_the_cluster(land: Land, packet: Packet) -> None:
    services = [service(node_port=30080, externalTrafficPolicy="Local")]
    slices = [endpoint_slice(endpoint("10.244.1.6", "n2"))]
    found = land(services, slices, packet)
    assert found.endpoints == ["10.244.1.6:8080"]
    assert found.masqueraded == packet.from_node
    assert land(services, slices, Packet(OUTSIDE, "192.0.2.1", 30080, local=True)).dropped


def meant_for(made: Endpoint, *zones: str) -> Endpoint:
    for zone in zones:
        made.hints.forZones.add(name=zone)
    return made


@pytest.mark.parametrize(
    ("hints", "zone", "expected"),
    [
        pytest.param(("a", "b"), "a", ["10.244.0.0:8080"], id="those of the zone alone"),
        pytest.param(("a", "b"), "c", ["10.244.0.0:8080", "10.244.0.1:8080"], id="all where the zone has none"),
        pytest.param(("a", "b"), "", ["10.244.0.0:8080", "10.244.0.1:8080"], id="all for a node in no zone"),
        pytest.param(("a", ""), "a", ["10.244.0.0:8080", "10.244.0.1:8080"], id="all where one is meant for none"),
        pytest.param(("a", "-"), "a", ["10.244.0.0:8080"], id="one that is not ready is not asked"),
        pytest.param(("-", "b"), "a", ["10.244.0.1:8080"], id="none in the zone is ready"),
        pytest.param(("-", "-"), "a", ["10.244.0.0:8080", "10.244.0.1:8080"], id="none is ready, all still serve"),
    ],
)
def test_a_packet_stays_in_its_zone_while_that_has_endpoints(
    land: Land, hints: tuple[str, ...], zone: str, expected: list[str]
) -> None:
    ends = [
        endpoint(f"10.244.0.{number}", ready=False, terminating=True)
        if hint == "-"
        else meant_for(endpoint(f"10.244.0.{number}"), *([hint] if hint else []))
        for number, hint in enumerate(hints)
    ]
    services, node = [service(node_port=30080)], replace(NODE, zone=zone)
    assert land(services, [endpoint_slice(*ends)], Packet(POD, "10.96.0.10", 80), node).endpoints == expected


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        pytest.param(("n1", "n2"), ["10.244.0.0:8080"], id="those of the node alone"),
        pytest.param(("n2", "n3"), ["10.244.0.1:8080"], id="those of the zone where the node has none"),
        pytest.param(("n1", ""), ["10.244.0.1:8080"], id="those of the zone where one is meant for no node"),
    ],
)
def test_a_packet_stays_on_its_node_while_that_has_endpoints(
    land: Land, hints: tuple[str, ...], expected: list[str]
) -> None:
    ends = [meant_for(endpoint(f"10.244.0.{number}"), zone) for number, zone in enumerate(("a", "b"))]
    for end, hint in zip(ends, hints, strict=True):
        if hint:
            end.hints.forNodes.add(name=hint)
    node = replace(NODE, zone="b")
    assert land([service()], [endpoint_slice(*ends)], Packet(POD, "10.96.0.10", 80), node).endpoints == expected


@pytest.mark.parametrize("policy", ["internalTrafficPolicy", "externalTrafficPolicy"])
def test_a_local_policy_prefers_what_terminates_here_to_what_is_ready_elsewhere(land: Land, policy: str) -> None:
    going = endpoint("10.244.0.5", "n1", ready=False, terminating=True)
    slices = [endpoint_slice(going, endpoint("10.244.1.6", "n2"))]
    services = [service(node_port=30080, **{policy: "Local"})]
    address, port = ("10.96.0.10", 80) if policy == "internalTrafficPolicy" else ("192.0.2.1", 30080)
    assert land(services, slices, Packet(OUTSIDE, address, port, local=port > 80)).endpoints == ["10.244.0.5:8080"]


def test_a_node_port_is_not_open_on_the_loopback_which_packets_cannot_leave(land: Land) -> None:
    services, slices = [service(node_port=30080)], [endpoint_slice(endpoint("10.244.1.6", "n2"))]
    assert not land(services, slices, Packet("127.0.0.1", "127.0.0.1", 30080, local=True, from_node=True)).endpoints


def test_a_node_port_is_open_on_the_loopback_where_that_is_wanted_but_not_with_nftables() -> None:
    services, slices = [service(node_port=30080)], [endpoint_slice(endpoint("10.244.1.6", "n2"))]
    packet = Packet("127.0.0.1", "127.0.0.1", 30080, local=True, from_node=True)
    node = replace(NODE, localhost_node_ports=True)
    found = by_iptables(services, slices, packet, node)
    assert (found.endpoints, found.masqueraded) == (["10.244.1.6:8080"], True)
    assert not by_nftables(services, slices, packet, node).endpoints


@pytest.mark.parametrize(("address", "is_open"), [("192.0.2.1", True), ("198.51.100.1", False), ("127.0.0.1", False)])
def test_node_ports_are_open_in_the_ranges_that_are_given(land: Land, address: str, is_open: bool) -> None:
    node = replace(NODE, node_port_addresses=("192.0.2.0/24",))
    packet = Packet(OUTSIDE, address, 30080, local=True)
    services = [service(node_port=30080)]
    assert bool(land(services, [endpoint_slice(endpoint("10.244.1.6"))], packet, node).endpoints) == is_open
    assert land(services, [], packet, node).rejected == is_open


def test_nodes_answer_for_external_addresses(land: Land) -> None:
    services = [service(externalIPs=["203.0.113.9", "2001:db8::9"])]
    slices = [endpoint_slice(endpoint("10.244.1.6", "n2"))]
    found = land(services, slices, Packet(OUTSIDE, "203.0.113.9", 80))
    assert (found.endpoints, found.masqueraded) == (["10.244.1.6:8080"], True)
    assert land(services, [], Packet(OUTSIDE, "203.0.113.9", 80)).rejected


def test_of_two_services_at_one_external_address_that_whose_name_comes_first_has_it(land: Land) -> None:
    services = [service("b", "10.96.0.2", externalIPs=["203.0.113.9"]), service("a", externalIPs=["203.0.113.9"])]
    slices = [endpoint_slice(endpoint(f"10.244.0.{n}"), name=name) for n, name in enumerate("ab")]
    assert land(services, slices, Packet(OUTSIDE, "203.0.113.9", 80)).endpoints == ["10.244.0.0:8080"]


@pytest.mark.parametrize("policy", ["Cluster", "Local"])
@pytest.mark.parametrize(("source", "may"), [("198.51.100.7", True), ("192.0.2.9", True), ("203.0.113.77", False)])
def test_only_clients_in_the_source_ranges_reach_a_load_balancers_address(
    land: Land, policy: str, source: str, may: bool
) -> None:
    ranges = ["198.51.100.0/24", "192.0.2.9/32", "2001:db8::/32"]
    services = [balanced(node_port=30080, loadBalancerSourceRanges=ranges, externalTrafficPolicy=policy)]
    slices = [endpoint_slice(endpoint("10.244.0.5"))]
    found = land(services, slices, Packet(source, "203.0.113.5", 80))
    assert (bool(found.endpoints), found.dropped) == (may, not may)
    assert land(services, slices, Packet(source, "192.0.2.1", 30080, local=True)).endpoints, "node ports are not bound"


@pytest.mark.parametrize("policy", ["internalTrafficPolicy", "externalTrafficPolicy"])
def test_where_a_local_policy_finds_no_endpoint_here_packets_are_dropped(land: Land, policy: str) -> None:
    services = [service(node_port=30080, **{policy: "Local"})]
    address, port = ("10.96.0.10", 80) if policy == "internalTrafficPolicy" else ("192.0.2.1", 30080)
    packet = Packet(OUTSIDE, address, port, local=port > 80)
    assert land(services, [endpoint_slice(endpoint("10.244.1.6", "n2"))], packet).dropped
    assert land(services, [], packet).rejected, "without any endpoint the client is told"


@pytest.mark.parametrize("protocol", ["UDP", "SCTP"])
def test_protocols_of_one_port_lead_to_their_own_endpoints(land: Land, protocol: str) -> None:
    both = service()
    both.spec.ports.add(name="other", protocol=protocol, port=80)
    ends = endpoint_slice(endpoint("10.244.0.5"))
    ends.ports.add(name="other", protocol=protocol, port=9090)
    assert land([both], [ends], Packet(POD, "10.96.0.10", 80)).endpoints == ["10.244.0.5:8080"]
    assert land([both], [ends], Packet(POD, "10.96.0.10", 80, protocol.lower())).endpoints == ["10.244.0.5:9090"]


@pytest.mark.parametrize("count", [2, 5, 40])
def test_a_packet_can_land_on_each_of_many_endpoints(land: Land, count: int) -> None:
    ips = [f"10.244.1.{n}" for n in range(count)]
    found = land([service()], [endpoint_slice(*(endpoint(ip, "n2") for ip in ips))], Packet(OUTSIDE, "10.96.0.10", 80))
    assert sorted(found.endpoints) == sorted(f"{ip}:8080" for ip in ips)
    assert found.masqueraded


numbers = st.integers(1, 250)
worlds = st.lists(
    st.tuples(st.integers(0, 3), numbers, st.booleans(), st.lists(numbers, max_size=5, unique=True)),
    max_size=40,
    unique_by=lambda each: each[1],
)


@given(worlds)
def test_every_service_lands_on_its_own_endpoints(wanted: list[tuple[int, int, bool, list[int]]]) -> None:
    services = [service(f"s{n}", f"10.96.{m}.{n}", 30000 + n if port else 0) for m, n, port, _ in wanted]
    slices = [endpoint_slice(*(endpoint(f"10.244.0.{i}") for i in ips), name=f"s{n}") for _, n, _, ips in wanted]
    for m, n, node_port, ips in wanted:
        packets = [Packet(POD, f"10.96.{m}.{n}", 80)]
        packets += [Packet(OUTSIDE, "192.0.2.1", 30000 + n, local=True)] if node_port else []
        for found in (by(services, slices, packet) for packet in packets for by in BACKENDS):
            assert sorted(found.endpoints) == sorted(f"10.244.0.{ip}:8080" for ip in ips)
            assert found.rejected == (not ips)
