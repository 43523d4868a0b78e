"""Imaginary packets are followed through the rendered rules, and their landing is asserted."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.proxy.rules import DISPATCH, JUMPS, ProxyNode, render, to_ruleset
from node.proxy.trace import Packet, Trace, trace
from podlab.core.v1.service_pb2 import Service, ServicePort, ServiceSpec
from podlab.discovery.v1.endpointslice_pb2 import Endpoint, EndpointConditions, EndpointPort, EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta

NODE = ProxyNode("n1", "10.244.0.0/16")
OUTSIDE, POD = "192.0.2.9", "10.244.0.7"
BUILT_IN_TARGETS = {"DNAT", "MARK", "MASQUERADE", "RETURN", "REJECT"}


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


def land(services: list[Service], slices: list[EndpointSlice], packet: Packet) -> Trace:
    return trace(render(services, slices, NODE), packet)


def test_a_packet_to_the_cluster_ip_lands_on_any_ready_endpoint() -> None:
    slices = [endpoint_slice(endpoint("10.244.0.5"), endpoint("10.244.1.6", "n2"), endpoint("10.244.1.7", ready=False))]
    found = land([service()], slices, Packet(POD, "10.96.0.10", 80))
    assert found.endpoints == ["10.244.0.5:8080", "10.244.1.6:8080"]
    assert not found.masqueraded


def test_a_packet_from_outside_the_pods_is_masqueraded_so_that_the_answer_comes_back() -> None:
    found = land([service()], [endpoint_slice(endpoint("10.244.0.5"))], Packet(OUTSIDE, "10.96.0.10", 80))
    assert found.masqueraded
    assert found.endpoints == ["10.244.0.5:8080"]


def test_a_pod_that_reaches_itself_through_its_service_is_masqueraded() -> None:
    found = land([service()], [endpoint_slice(endpoint(POD))], Packet(POD, "10.96.0.10", 80))
    assert found.masqueraded


def test_another_port_of_the_cluster_ip_meets_no_rule() -> None:
    found = land([service()], [endpoint_slice(endpoint("10.244.0.5"))], Packet(POD, "10.96.0.10", 81))
    assert (found.endpoints, found.rejected) == ([], False)


def test_a_node_port_is_reached_on_the_nodes_own_address_only() -> None:
    services, slices = [service(node_port=30080)], [endpoint_slice(endpoint("10.244.1.6", "n2"))]
    assert land(services, slices, Packet(OUTSIDE, "192.0.2.1", 30080, local=True)).endpoints == ["10.244.1.6:8080"]
    assert land(services, slices, Packet(OUTSIDE, "192.0.2.1", 30080)).endpoints == []


def test_external_traffic_policy_local_keeps_the_source_and_stays_on_the_node() -> None:
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
def test_nodes_answer_for_a_load_balancers_address(node_port: int) -> None:
    slices = [endpoint_slice(endpoint("10.244.1.6", "n2"))]
    found = land([balanced(node_port=node_port)], slices, Packet(OUTSIDE, "203.0.113.5", 80))
    assert (found.endpoints, found.masqueraded) == (["10.244.1.6:8080"], True)
    assert land([balanced()], slices, Packet(OUTSIDE, "203.0.113.5", 81)).endpoints == []


def test_behind_a_load_balancer_the_policy_local_keeps_the_source_and_stays_on_the_node() -> None:
    slices = [endpoint_slice(endpoint("10.244.0.5", "n1"), endpoint("10.244.1.6", "n2"))]
    services = [balanced(externalTrafficPolicy="Local")]
    found = land(services, slices, Packet(OUTSIDE, "203.0.113.5", 80))
    assert (found.endpoints, found.masqueraded) == (["10.244.0.5:8080"], False)
    inside = land(services, slices, Packet(POD, "203.0.113.5", 80))
    assert inside.endpoints == ["10.244.0.5:8080", "10.244.1.6:8080"]


def test_a_load_balancers_address_without_endpoints_refuses_at_once() -> None:
    assert land([balanced()], [], Packet(OUTSIDE, "203.0.113.5", 80)).rejected


@pytest.mark.parametrize("changes", [{"mode": "Proxy"}, {"type": "NodePort"}])
def test_an_address_for_which_somebody_else_answers_meets_no_rule(changes: dict[str, str]) -> None:
    found = land([balanced(**changes)], [endpoint_slice(endpoint("10.244.0.5"))], Packet(OUTSIDE, "203.0.113.5", 80))
    assert (found.endpoints, found.rejected) == ([], False)


@pytest.mark.parametrize("slices", [[], [endpoint_slice()], [endpoint_slice(endpoint("10.244.0.5", ready=False))]])
def test_a_service_without_endpoints_refuses_at_once(slices: list[EndpointSlice]) -> None:
    services = [service(node_port=30080)]
    assert land(services, slices, Packet(POD, "10.96.0.10", 80)).rejected
    assert land(services, slices, Packet(OUTSIDE, "192.0.2.1", 30080, local=True)).rejected


def test_tcp_is_refused_by_a_reset_which_the_kernel_sends_to_everyone_and_udp_by_an_icmp_error() -> None:
    name_server = service()
    name_server.spec.ports.add(name="dns", protocol="UDP", port=53)
    refusals = {rule.protocol: rule.options for rule in render([name_server], [], NODE)["filter"]["PODLAB-SREJECT"]}
    assert refusals == {"tcp": "--reject-with tcp-reset", "udp": "--reject-with icmp-port-unreachable"}


def test_terminating_endpoints_serve_only_when_nothing_else_does() -> None:
    going = endpoint("10.244.0.5", ready=False, terminating=True)
    assert land([service()], [endpoint_slice(going)], Packet(POD, "10.96.0.10", 80)).endpoints == ["10.244.0.5:8080"]
    with_ready = [endpoint_slice(going, endpoint("10.244.0.6"))]
    assert land([service()], with_ready, Packet(POD, "10.96.0.10", 80)).endpoints == ["10.244.0.6:8080"]


def test_a_headless_service_has_no_rules() -> None:
    chains = render([service(ip="None")], [endpoint_slice(endpoint("10.244.0.5"))], NODE)
    assert chains == render([], [], NODE)


def test_client_affinity_remembers_its_endpoint() -> None:
    slices = [endpoint_slice(endpoint("10.244.0.5"), endpoint("10.244.1.6"))]
    rules = to_ruleset(render([service(sessionAffinity="ClientIP")], slices, NODE))["nat"].chains
    assert sum("--rcheck --seconds 10800" in rule for chain in rules.values() for rule in chain) == 2
    assert sum("--set --name" in rule for chain in rules.values() for rule in chain) == 2


def test_endpoints_are_chosen_with_equal_chances() -> None:
    slices = [endpoint_slice(*(endpoint(f"10.244.0.{n}") for n in range(1, 4)))]
    nat = render([service()], slices, NODE)["nat"]
    choosing = next(rules for chain, rules in nat.items() if chain.startswith("PODLAB-SVC-"))
    choices = [rule.one_in for rule in choosing if rule.target.startswith("PODLAB-SEP")]
    assert choices == [3, 2, 0]


addresses = st.integers(1, 250).map(lambda n: f"10.244.0.{n}")


@given(
    st.lists(st.tuples(st.integers(1, 250), st.booleans(), st.lists(addresses, max_size=5, unique=True)), max_size=8,
             unique_by=lambda each: each[0])
)  # fmt: skip
def test_every_jump_has_a_target_every_chain_is_used_and_every_service_lands_on_its_own(
    wanted: list[tuple[int, bool, list[str]]],
) -> None:
    services = [service(f"s{n}", f"10.96.1.{n}", 30000 + n if node_port else 0) for n, node_port, _ in wanted]
    slices = [endpoint_slice(*map(endpoint, ips), name=f"s{n}") for n, _, ips in wanted]
    chains = render(services, slices, NODE)
    for table, content in chains.items():
        roots = {rule.target for _, rule in JUMPS[table]}
        targets = {rule.target for rules in content.values() for rule in rules}
        assert targets - BUILT_IN_TARGETS <= content.keys()
        assert content.keys() - roots - {"PODLAB-SMARK"} <= targets
        assert all(len(chain) <= 28 for chain in content)
    for n, node_port, ips in wanted:
        found = trace(chains, Packet(POD, f"10.96.1.{n}", 80))
        assert sorted(found.endpoints) == sorted(f"{ip}:8080" for ip in ips)
        assert found.rejected == (not ips)
        if node_port:
            found = trace(chains, Packet(OUTSIDE, "192.0.2.1", 30000 + n, local=True))
            assert sorted(found.endpoints) == sorted(f"{ip}:8080" for ip in ips)
    assert DISPATCH in chains["nat"]


@pytest.mark.parametrize(
    "packet",
    [Packet(POD, "192.0.2.1", 30080, local=True), Packet("192.0.2.1", "192.0.2.1", 30080, local=True, from_node=True)],
)
def test_external_traffic_policy_local_binds_only_clients_outside_the_cluster(packet: Packet) -> None:
    services = [service(node_port=30080, externalTrafficPolicy="Local")]
    slices = [endpoint_slice(endpoint("10.244.1.6", "n2"))]
    found = land(services, slices, packet)
    assert found.endpoints == ["10.244.1.6:8080"]
    assert found.masqueraded == packet.from_node
    assert land(services, slices, Packet(OUTSIDE, "192.0.2.1", 30080, local=True)).rejected


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
    hints: tuple[str, ...], zone: str, expected: list[str]
) -> None:
    ends = [
        endpoint(f"10.244.0.{number}", ready=False, terminating=True)
        if hint == "-"
        else meant_for(endpoint(f"10.244.0.{number}"), *([hint] if hint else []))
        for number, hint in enumerate(hints)
    ]
    chains = render([service(node_port=30080)], [endpoint_slice(*ends)], replace(NODE, zone=zone))
    assert trace(chains, Packet(POD, "10.96.0.10", 80)).endpoints == expected


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        pytest.param(("n1", "n2"), ["10.244.0.0:8080"], id="those of the node alone"),
        pytest.param(("n2", "n3"), ["10.244.0.1:8080"], id="those of the zone where the node has none"),
        pytest.param(("n1", ""), ["10.244.0.1:8080"], id="those of the zone where one is meant for no node"),
    ],
)
def test_a_packet_stays_on_its_node_while_that_has_endpoints(hints: tuple[str, ...], expected: list[str]) -> None:
    ends = [meant_for(endpoint(f"10.244.0.{number}"), zone) for number, zone in enumerate(("a", "b"))]
    for end, hint in zip(ends, hints, strict=True):
        if hint:
            end.hints.forNodes.add(name=hint)
    chains = render([service()], [endpoint_slice(*ends)], replace(NODE, zone="b"))
    assert trace(chains, Packet(POD, "10.96.0.10", 80)).endpoints == expected


@pytest.mark.parametrize("policy", ["internalTrafficPolicy", "externalTrafficPolicy"])
def test_a_local_policy_prefers_what_terminates_here_to_what_is_ready_elsewhere(policy: str) -> None:
    going = endpoint("10.244.0.5", "n1", ready=False, terminating=True)
    slices = [endpoint_slice(going, endpoint("10.244.1.6", "n2"))]
    services = [service(node_port=30080, **{policy: "Local"})]
    address, port = ("10.96.0.10", 80) if policy == "internalTrafficPolicy" else ("192.0.2.1", 30080)
    assert land(services, slices, Packet(OUTSIDE, address, port, local=port > 80)).endpoints == ["10.244.0.5:8080"]


def test_a_node_port_is_not_open_on_the_loopback_which_packets_cannot_leave() -> None:
    services, slices = [service(node_port=30080)], [endpoint_slice(endpoint("10.244.1.6", "n2"))]
    assert not land(services, slices, Packet("127.0.0.1", "127.0.0.1", 30080, local=True, from_node=True)).endpoints
