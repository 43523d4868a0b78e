"""10,000 Services and the rules of iptables for them, for tests of how many of these a packet meets."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from node.proxy.exposures import Delta
from node.proxy.frontends import Frontend
from node.proxy.iptables.layout import Layout, to_ruleset
from node.proxy.node import ProxyNode
from node.tracing.iptables_rules import wanted_tables
from node.tracing.tables import Table
from podlab_testing.services import CLUSTER_CIDR

SERVICES, ENDPOINTS, PODS_PER_NODE = 10_000, 2, 110
FIRST_NODE_PORT, NODE_PORTS, OTHERS = 30_000, 2_768, 3_000
NODE = ProxyNode("n1", CLUSTER_CIDR, localhost_node_ports=True)
OWN_PODS = [f"10.244.0.{number}" for number in range(2, 2 + PODS_PER_NODE)]
SERVICE_RANGE, EXTERNAL_RANGE = "10.96.0.0", "172.16.0.0"


def dense(first: str) -> list[str]:
    return [str(ip_address(first) + number + 1) for number in range(SERVICES)]


def spread(first: str) -> list[str]:
    chosen = random.Random(first).sample(range(1, 2**16 - 1), SERVICES)
    return [str(ip_address(first) + number) for number in chosen]


def half_of_each(first: str) -> list[str]:
    return [*dense(first)[: SERVICES // 2], *spread(first)[SERVICES // 2 :]]


def endpoints(number: int) -> tuple[str, ...]:
    """Pods of all nodes in turn; those of the first node are OWN_PODS."""
    pods = range(number * ENDPOINTS, (number + 1) * ENDPOINTS)
    return tuple(f"10.244.{pod // PODS_PER_NODE}.{pod % PODS_PER_NODE + 2}:8080" for pod in pods)


def inside(addresses: Sequence[str]) -> Iterator[Frontend]:
    for number, address in enumerate(addresses):
        yield Frontend(f"default/s{number}", address, "tcp", 80, endpoints(number), inside=True)


def outside(addresses: Sequence[str]) -> Iterator[Frontend]:
    """External and load balancers' addresses, whose sources are hidden; of some, only clients of a range may come."""
    for number, address in enumerate(addresses):
        ranges = ("203.0.113.0/24",) if number % 2 else ()
        yield Frontend(f"default/s{number}", address, "tcp", 80, endpoints(number), source_ranges=ranges)


def node_ports() -> Iterator[Frontend]:
    for number in range(NODE_PORTS):
        yield Frontend(f"default/s{number}", "", "tcp", FIRST_NODE_PORT + number, endpoints(number))


@dataclass(frozen=True)
class World:
    """The addresses of Services, others that lead to them, and the rules for these and for node ports."""

    services: Sequence[str]
    others: Sequence[str]
    tables: Sequence[Table]


def tables(*frontends: Iterator[Frontend]) -> list[Table]:
    new = tuple(each for part in frontends for each in part)
    layout = Layout(NODE).changed(Delta(new=new, new_own=frozenset(OWN_PODS)))
    return wanted_tables(to_ruleset(layout.tables()))


def world(addresses: Callable[[str], Sequence[str]]) -> World:
    """Services whose addresses are chosen so, node ports, and external addresses."""
    services, others = addresses(SERVICE_RANGE), addresses(EXTERNAL_RANGE)[:OTHERS]
    return World(services, others, tables(inside(services), outside(others), node_ports()))
