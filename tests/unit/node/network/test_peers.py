from ipaddress import ip_address, ip_network

from node.network.peers import Peer, peer_of
from podlab.core.v1.node_pb2 import Node, NodeAddress, NodeSpec, NodeStatus
from podlab.meta.v1.meta_pb2 import ObjectMeta


def node(spec: NodeSpec, *addresses: tuple[str, str]) -> Node:
    status = NodeStatus(addresses=[NodeAddress(type=kind, address=address) for kind, address in addresses])
    return Node(metadata=ObjectMeta(name="n1"), spec=spec, status=status)


def test_a_node_is_reached_at_its_internal_addresses() -> None:
    spec = NodeSpec(podCIDR="10.244.1.0/24")
    found = peer_of(node(spec, ("Hostname", "n1"), ("InternalIP", "192.0.2.1"), ("ExternalIP", "203.0.113.1")))
    assert found == Peer("n1", (ip_address("192.0.2.1"),), (ip_network("10.244.1.0/24"),))


def test_both_families_are_known() -> None:
    spec = NodeSpec(podCIDR="10.244.1.0/24", podCIDRs=["10.244.1.0/24", "fd00:1::/64"])
    found = peer_of(node(spec, ("InternalIP", "192.0.2.1"), ("InternalIP", "2001:db8::1")))
    assert found.addresses == (ip_address("192.0.2.1"), ip_address("2001:db8::1"))
    assert found.pods == (ip_network("10.244.1.0/24"), ip_network("fd00:1::/64"))


def test_a_node_that_has_nothing_yet_and_what_is_no_address_harm_nobody() -> None:
    assert peer_of(node(NodeSpec())) == Peer("n1")
    assert peer_of(node(NodeSpec(podCIDR="10.244.1.7/24"), ("InternalIP", "n1.example"))) == Peer("n1")
