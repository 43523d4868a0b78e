from ipaddress import IPv4Interface
from typing import Any

from node.loadbalancer.decide import CORDONED, NOT_READY, READY, holder
from node.loadbalancer.links import Link, link_for
from node.loadbalancer.members import Member
from node.loadbalancer.wanted import WantedAddress, nodes_with_endpoints, standing_of, trimmed, wanted_of
from podlab.api.loadbalancers import EXCLUDED_NODE
from podlab.api.values.addresspool import parse_pool
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.meta.v1.meta_pb2 import ObjectMeta

POOL = parse_pool(["192.0.2.200-192.0.2.210"])
NODES = {"n1": READY, "n2": READY}
EVERYWHERE = WantedAddress(("default", "web"), NODES)


def service(address: str = "192.0.2.200", mode: str = "VIP", **spec: Any) -> Service:
    made = Service(metadata=ObjectMeta(name="web", namespace="default"), spec={"type": "LoadBalancer", **spec})
    made.status.loadBalancer.ingress.add(ip=address, ipMode=mode)
    return made


def node(*, ready: str = "True", unschedulable: bool = False, **labels: str) -> Node:
    made = Node(metadata=ObjectMeta(name="n1", labels=labels))
    made.spec.unschedulable = unschedulable
    made.status.conditions.add(type="Ready", status=ready)
    return made


def ends(*conditions: tuple[str, bool, bool, bool]) -> EndpointSlice:
    """Each as (node, ready, serving, terminating)."""
    made = EndpointSlice()
    for name, ready, serving, terminating in conditions:
        made.endpoints.add(nodeName=name, conditions={"ready": ready, "serving": serving, "terminating": terminating})
    return made


def test_addresses_of_the_pool_are_answered_for_by_any_node() -> None:
    assert wanted_of(service(), [], NODES, POOL) == {"192.0.2.200": EVERYWHERE}


def test_what_is_others_matter_is_left_to_them() -> None:
    others = [
        service("198.51.100.1"),
        service(mode="Proxy"),
        service(loadBalancerClass="example.com/x"),
        service(type="ClusterIP"),
    ]
    assert [wanted_of(each, [], NODES, POOL) for each in others] == [{}] * len(others)


def test_with_policy_local_only_nodes_with_endpoints_answer() -> None:
    local = service(externalTrafficPolicy="Local")
    found = wanted_of(local, [ends(("n2", True, True, False), ("gone", True, True, False))], NODES, POOL)
    assert found["192.0.2.200"].standings == {"n2": READY}
    assert wanted_of(local, [], NODES, POOL)["192.0.2.200"].standings == {}


def test_endpoints_that_terminate_count_where_none_is_ready() -> None:
    ending = ("n1", False, True, True)
    assert nodes_with_endpoints([ends(ending)]) == {"n1"}
    assert nodes_with_endpoints([ends(ending), ends(("n2", True, True, False))]) == {"n2"}
    assert nodes_with_endpoints([ends(("n1", False, False, True))]) == frozenset()


def test_how_a_node_stands() -> None:
    cases = {
        READY: node(),
        CORDONED: node(unschedulable=True),
        NOT_READY: node(ready="Unknown", unschedulable=True),
    }
    assert {standing_of(each): standing_of(trimmed(each)) for each in cases.values()} == {each: each for each in cases}
    assert standing_of(Node()) == NOT_READY
    excluded = Node(metadata=ObjectMeta(name="n1", labels={EXCLUDED_NODE: ""}))
    assert standing_of(excluded) is standing_of(trimmed(excluded)) is None
    going = node()
    going.metadata.deletionTimestamp.seconds = 1
    assert standing_of(going) is standing_of(trimmed(going)) is None


def test_a_verdict_says_why() -> None:
    both = {name: Member(name) for name in NODES}
    assert holder("192.0.2.200", {}, both).why.startswith("no node may answer")
    assert (
        holder("192.0.2.200", {"n3": READY}, both).why
        == "none of the nodes that may answer is heard on the segment: n3"
    )
    assert holder("192.0.2.200", NODES, both).why == "first in order of n1, n2"
    held = both | {"n2": Member("n2", holds=frozenset({"192.0.2.200"}))}
    assert (holder("192.0.2.200", NODES, held).node, holder("192.0.2.200", NODES, held).why) == (
        "n2",
        "it answers already",
    )
    worse = holder("192.0.2.200", {"n1": CORDONED}, both)
    assert worse.why == "no other node can; it is cordoned, and no better node is left"


def link(index: int, *addresses: str) -> Link:
    return Link(index, f"eth{index}", bytes(6), tuple(map(IPv4Interface, addresses)))


def test_neighbours_ask_on_the_interface_of_the_closest_network_else_on_that_of_the_nodes_address() -> None:
    wide, near, own = link(0, "192.0.0.0/16"), link(1, "192.0.2.1/24"), link(2, "198.51.100.1/24")
    nodes = ["198.51.100.1", "198.51.100.2"]
    assert link_for("192.0.2.200", [wide, near, own], "198.51.100.1", nodes) is near
    assert link_for("203.0.113.9", [wide, near, own], "198.51.100.1", nodes) is own
    assert link_for("203.0.113.9", [wide, near], "198.51.100.1", []) is None


def test_with_nodes_on_several_segments_an_address_is_only_answered_for_where_it_is_near() -> None:
    own, nodes = link(0, "192.0.2.1/25"), ["192.0.2.1", "192.0.2.129"]
    assert link_for("192.0.2.100", [own], "192.0.2.1", nodes) is own
    assert link_for("192.0.2.200", [own], "192.0.2.1", nodes) is None
