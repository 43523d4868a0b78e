from __future__ import annotations

import random
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.registry import service_addresses
from master.apiserver.registry.allocation import ServiceAllocator
from master.store.contract import Delete, Put
from podlab.api.values.ipfamilies import family_of
from podlab.core.v1 import service_pb2
from podlab.errors import ApiError, Invalid
from podlab.meta.v1 import meta_pb2
from podlab.networking.v1.serviceaddresses_pb2 import IPAddress, ServiceCIDR

ADDRESSES = "/registry/networking.k8s.io/ipaddresses/"


class Allocator:
    """Claims over a small network, with the store's part played by a dict."""

    def __init__(self, *networks: str, seed: int = 1) -> None:
        self.held: dict[str, bytes] = {}
        self.claims = ServiceAllocator(
            lambda: [ip_network(network) for network in networks or ("10.0.0.0/28",)],
            families=list(dict.fromkeys(map(family_of, networks or ("10.0.0.0/28",)))),
            addresses=lambda: self.held,
            ports=lambda: self.held,
            chance=random.Random(seed),
        )

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
    made.spec.clusterIPs.extend([address] if address else [])
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


def test_a_load_balancer_for_local_endpoints_takes_a_port_where_nodes_say_how_they_are() -> None:
    allocator = Allocator()
    balanced, other = service(), service("other")
    for each in (balanced, other):
        each.spec.type, each.spec.externalTrafficPolicy = "LoadBalancer", "Local"
    port = other.spec.healthCheckNodePort = allocator.take(balanced).spec.healthCheckNodePort
    assert f"/claims/nodePorts/{port}" in allocator.held
    with pytest.raises(Invalid, match=f"failed to allocate requested HealthCheck NodePort {port}"):
        allocator.take(other)


def test_an_update_takes_what_is_new_and_lets_go_of_the_rest() -> None:
    allocator = Allocator()
    first = allocator.take(service("web", 30001, 30002, address="10.0.0.3"))
    allocator.take(service("web", 30002, 30003, address="10.0.0.3"), first)
    assert set(allocator.held) == {f"{ADDRESSES}10.0.0.3", "/claims/nodePorts/30002", "/claims/nodePorts/30003"}


def test_an_address_is_held_by_an_object_that_names_the_service() -> None:
    allocator = Allocator()
    allocator.take(service("web", address="10.0.0.3"))
    made = IPAddress.FromString(allocator.held[f"{ADDRESSES}10.0.0.3"])
    assert (made.metadata.name, bool(made.metadata.uid)) == ("10.0.0.3", True)
    assert dict(made.metadata.labels) == {
        "ipaddress.kubernetes.io/ip-family": "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    }
    parent = made.spec.parentRef
    assert (parent.group, parent.resource, parent.namespace, parent.name) == ("", "services", "default", "web")


def test_one_more_network_gives_more_addresses() -> None:
    allocator = Allocator("10.0.0.0/30", "10.9.0.0/30")
    given_out = [allocator.take(service(f"s{number}")).spec.clusterIP for number in range(4)]
    assert (set(given_out[:2]), set(given_out[2:])) == ({"10.0.0.1", "10.0.0.2"}, {"10.9.0.1", "10.9.0.2"})
    with pytest.raises(ApiError, match=r"in the Service networks 10\.0\.0\.0/30, 10\.9\.0\.0/30"):
        allocator.take(service("one-too-many"))


def test_an_address_of_any_network_may_be_asked_for() -> None:
    allocator = Allocator("10.0.0.0/30", "10.0.0.0/28", "10.9.0.0/30")
    for address in ("10.9.0.2", "10.0.0.3"):  # the last of the first network is one of the second as well
        assert allocator.take(service(f"s{address}", address=address)).spec.clusterIP == address
    with pytest.raises(Invalid, match=r"The range of valid IPs is 10\.0\.0\.0/30, 10\.0\.0\.0/28, 10\.9"):
        allocator.take(service("asker", address="10.8.0.1"))


NETWORKS = {
    "none": ((), ["10.0.0.0/28"]),
    "the default's own": ((("kubernetes", 1, "10.0.0.0/28"),), ["10.0.0.0/28"]),
    "the oldest first": ((("a", 3, "10.3.0.0/28"), ("b", 2, "10.2.0.0/28")),
                         ["10.0.0.0/28", "10.2.0.0/28", "10.3.0.0/28"]),
    "of one that goes": ((("gone", 1, "10.1.0.0/28"),), ["10.0.0.0/28"]),
    "of both families": ((("both", 1, "fd00::/112", "10.1.0.0/28"),), ["10.0.0.0/28", "fd00::/112", "10.1.0.0/28"]),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_addresses_come_of_the_networks_that_stay(name: str) -> None:
    found = []
    for named, seconds, *cidrs in NETWORKS[name][0]:
        made = ServiceCIDR(metadata=meta_pb2.ObjectMeta(name=named))
        made.metadata.creationTimestamp.seconds = seconds
        made.spec.cidrs.extend(cidrs)
        if named == "gone":
            made.metadata.deletionTimestamp.seconds = 5
        found.append(made)
    networks = service_addresses.networks([ip_network("10.0.0.0/28")], found)
    assert [str(network) for network in networks] == NETWORKS[name][1]


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
    named = {f"{ADDRESSES}{one.spec.clusterIP}" for one in there.values()}
    for one in there.values():
        named |= {f"/claims/nodePorts/{port.nodePort}" for port in one.spec.ports if one.spec.type == "NodePort"}
    assert set(allocator.held) == named
