from node.network.routes import RouteChange, changes, wanted
from podlab.core.v1.node_pb2 import Node, NodeAddress, NodeSpec, NodeStatus
from podlab.meta.v1.meta_pb2 import ObjectMeta


def node(name: str, cidr: str = "", address: str = "") -> Node:
    addresses = [NodeAddress(type="Hostname", address=name)]
    if address:
        addresses.append(NodeAddress(type="InternalIP", address=address))
    return Node(metadata=ObjectMeta(name=name), spec=NodeSpec(podCIDR=cidr), status=NodeStatus(addresses=addresses))


def test_a_node_needs_a_route_to_the_pods_of_every_other_node() -> None:
    nodes = [node("n1", "10.244.0.0/24", "192.0.2.1"), node("n2", "10.244.1.0/24", "192.0.2.2"), node("n3")]
    assert wanted(nodes, "n1") == {"10.244.1.0/24": "192.0.2.2"}


def test_nothing_changes_when_the_routes_stand() -> None:
    assert changes({"10.244.1.0/24": "192.0.2.2"}, {"10.244.1.0/24": "192.0.2.2"}) == []


def test_routes_of_nodes_that_left_go_and_moved_ones_are_replaced() -> None:
    current = {"10.244.1.0/24": "192.0.2.2", "10.244.2.0/24": "192.0.2.3"}
    assert changes(current, {"10.244.2.0/24": "192.0.2.9"}) == [
        RouteChange("10.244.1.0/24", None),
        RouteChange("10.244.2.0/24", "192.0.2.9"),
    ]
