from __future__ import annotations

import random
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.registry.allocation import ServiceAllocator
from master.store.contract import Delete, Put
from podlab.core.v1 import service_pb2
from podlab.errors import ApiError, Invalid
from podlab.meta.v1 import meta_pb2


class Allocator:
    """Claims over a small network, with the store's part played by a dict."""

    def __init__(self, network: str = "10.0.0.0/28", seed: int = 1) -> None:
        self.held: dict[str, bytes] = {}
        self.claims = ServiceAllocator(IPv4Network(network), lambda: self.held, random.Random(seed))

    def take(self, new: service_pb2.Service, old: service_pb2.Service | None = None) -> service_pb2.Service:
        self._commit(self.claims.allocate(new, old))
        return new

    def release(self, service: service_pb2.Service) -> None:
        self._commit(self.claims.release(service))

    def _commit(self, operations: list[Put | Delete]) -> None:
        for operation in operations:
            if isinstance(operation, Put):
                assert operation.expected == 0
                assert operation.key not in self.held
                self.held[operation.key] = operation.value
            else:
                del self.held[operation.key]


def service(name: str = "web", *node_ports: int, address: str = "", node: bool = False) -> service_pb2.Service:
    made = service_pb2.Service(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"))
    made.spec.clusterIP = address
    made.spec.type = "NodePort" if node or node_ports else "ClusterIP"
    for number, node_port in enumerate(node_ports or (0,)):
        made.spec.ports.add(port=80 + number, nodePort=node_port)
    return made


def test_every_address_is_given_once_and_then_there_are_none() -> None:
    allocator = Allocator()
    given_out = {allocator.take(service(f"s{number}")).spec.clusterIP for number in range(14)}
    assert given_out == {f"10.0.0.{number}" for number in range(1, 15)}
    with pytest.raises(ApiError, match="no free address is left"):
        allocator.take(service("one-too-many"))


def test_the_lower_part_is_left_to_those_who_ask_for_it() -> None:
    allocator = Allocator("10.96.0.0/16")
    for number in range(50):
        third, fourth = map(int, allocator.take(service(f"s{number}")).spec.clusterIP.split(".")[2:])
        assert third * 256 + fourth > 256
    assert allocator.take(service(address="10.96.0.1")).spec.clusterIP == "10.96.0.1"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.0.0.3", "already allocated"),
        ("10.0.1.3", "not in the valid range"),
        ("10.0.0.0", "the network's own"),
        ("10.0.0.15", "the network's own"),
    ],
)
def test_an_address_that_cannot_be_had_is_refused_with_the_reason(address: str, why: str) -> None:
    allocator = Allocator()
    allocator.take(service("holder", address="10.0.0.3"))
    with pytest.raises(Invalid, match=why) as refused:
        allocator.take(service("asker", address=address))
    assert refused.value.causes[0].field == "spec.clusterIPs"


def test_a_node_port_that_is_held_is_refused_by_its_path() -> None:
    allocator = Allocator()
    allocator.take(service("holder", 30001))
    with pytest.raises(Invalid) as refused:
        allocator.take(service("asker", 30000, 30001))
    assert [cause.field for cause in refused.value.causes] == ["spec.ports[1].nodePort"]


def test_ports_of_one_service_differ() -> None:
    made = service(node=True)
    made.spec.ports.add(port=81)
    ports = [port.nodePort for port in Allocator().take(made).spec.ports]
    assert len(set(ports)) == 2


def test_a_load_balancer_takes_node_ports_where_it_may() -> None:
    balanced, plain = service(), service("plain")
    balanced.spec.type = plain.spec.type = "LoadBalancer"
    balanced.spec.allocateLoadBalancerNodePorts = True
    allocator = Allocator()
    assert allocator.take(balanced).spec.ports[0].nodePort >= 30000
    assert allocator.take(plain).spec.ports[0].nodePort == 0


def test_an_update_takes_what_is_new_and_lets_go_of_the_rest() -> None:
    allocator = Allocator()
    first = allocator.take(service("web", 30001, 30002, address="10.0.0.3"))
    allocator.take(service("web", 30002, 30003, address="10.0.0.3"), first)
    assert set(allocator.held) == {"/claims/clusterIPs/10.0.0.3", "/claims/nodePorts/30002", "/claims/nodePorts/30003"}


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.booleans()), max_size=30), st.integers())
def test_what_is_held_is_always_what_the_services_name(steps: list[tuple[int, bool, bool]], seed: int) -> None:
    allocator = Allocator(seed=seed)
    there: dict[int, service_pb2.Service] = {}
    for number, node, delete in steps:
        old = there.pop(number, None)
        if delete:
            if old is not None:
                allocator.release(old)
            continue
        new = service(f"s{number}", node=node, address=old.spec.clusterIP if old is not None else "")
        there[number] = allocator.take(new, old)
    named = {f"/claims/clusterIPs/{one.spec.clusterIP}" for one in there.values()}
    for one in there.values():
        named |= {f"/claims/nodePorts/{port.nodePort}" for port in one.spec.ports if one.spec.type == "NodePort"}
    assert set(allocator.held) == named
