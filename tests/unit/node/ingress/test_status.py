"""Where Ingresses say that they are served."""

from __future__ import annotations

from podlab_testing.ingresses import ingress

from node.ingress.front import MOST_S, least_interval_s
from node.ingress.status import addresses, changed
from podlab.core.v1.node_pb2 import Node
from podlab.meta.v1.meta_pb2 import ObjectMeta

HOSTS = {"n2": "10.0.0.22", "n1": "10.0.0.21", "n3": "10.0.0.23"}


def node(name: str, ready: str) -> Node:
    made = Node(metadata=ObjectMeta(name=name))
    made.status.conditions.add(type="Ready", status=ready)
    return made


def test_only_nodes_that_are_ready_are_told_in_the_inventory_s_order() -> None:
    nodes = [node("n1", "True"), node("n2", "True"), node("n3", "Unknown"), node("other", "True")]
    assert addresses(HOSTS, nodes) == ["10.0.0.22", "10.0.0.21"]


def test_a_node_of_both_families_is_told_with_both_addresses() -> None:
    both = node("n1", "True")
    for address in ("10.0.0.99", "fd00::21"):  # clients use the inventory's address, not the first
        both.status.addresses.add(type="InternalIP", address=address)
    both.status.addresses.add(type="ExternalIP", address="2001:db8::1")
    assert addresses(HOSTS, [both, node("n2", "True")]) == ["10.0.0.22", "10.0.0.21", "fd00::21"]


def test_a_status_is_written_only_when_it_is_another() -> None:
    first = changed(ingress("i", default="x"), ["10.0.0.21"])
    assert first is not None
    assert changed(first, ["10.0.0.21"]) is None
    emptied = changed(first, [])
    assert emptied is not None
    assert not emptied.status.loadBalancer.ingress


def test_configurations_come_slower_while_old_processes_last() -> None:
    assert [least_interval_s(old) for old in (0, 1, 2, 10)] == [0.25, 0.5, 1.0, MOST_S]
