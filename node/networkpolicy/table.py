"""The rules of one node as a value, and where a packet ends that meets them. Pure.

Packets meet them where the node forwards: those of pods to pods and to the outside, and what comes for pods from
there. What the node itself sends to its pods, or they to it, passes no rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from node.networkpolicy.compiled import CompiledPolicy, PodGroup, PolicyRule
from node.networkpolicy.intervals import within
from podlab.api.values.ipfamilies import family_of


@dataclass(frozen=True)
class Packet:
    """The first packet of a flow, as it is forwarded: at a Service it has the endpoint's address and port already."""

    source: str
    destination: str
    protocol: str = "tcp"
    port: int = 0


@dataclass(frozen=True)
class Direction:
    """One of the two. `isolated`: the address of each local pod that policies select, and its namespace; `policies`:
    those of each such namespace.
    """

    isolated: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, tuple[CompiledPolicy, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class PolicyTable:
    """All of a node's rules. `ports` has the addresses and numbers of each protocol's ports of a name."""

    ingress: Direction = field(default_factory=Direction)
    egress: Direction = field(default_factory=Direction)
    groups: Mapping[PodGroup, frozenset[str]] = field(default_factory=dict)
    ports: Mapping[tuple[str, str], frozenset[tuple[str, int]]] = field(default_factory=dict)

    @property
    def isolated(self) -> frozenset[str]:
        """The addresses of local pods that are isolated in some direction."""
        return frozenset({*self.ingress.isolated, *self.egress.isolated})


def passes(table: PolicyTable, packet: Packet) -> bool:
    """Whether the packet gets through; a pod always reaches itself."""
    if packet.source == packet.destination:
        return True
    return _leaves(table, packet) and _enters(table, packet)


def _leaves(table: PolicyTable, packet: Packet) -> bool:
    namespace = table.egress.isolated.get(packet.source)
    if namespace is None:
        return True
    policies = _selecting(table, table.egress.policies[namespace], packet.source)
    return any(_lets(table, rule, packet.destination, packet) for policy in policies for rule in policy.egress or ())


def _enters(table: PolicyTable, packet: Packet) -> bool:
    namespace = table.ingress.isolated.get(packet.destination)
    if namespace is None:
        return True
    policies = _selecting(table, table.ingress.policies[namespace], packet.destination)
    return any(_lets(table, rule, packet.source, packet) for policy in policies for rule in policy.ingress or ())


def _selecting(table: PolicyTable, policies: Iterable[CompiledPolicy], address: str) -> list[CompiledPolicy]:
    return [policy for policy in policies if address in table.groups[policy.selected]]


def _lets(table: PolicyTable, rule: PolicyRule, peer: str, packet: Packet) -> bool:
    if rule.group is not None and peer not in table.groups[rule.group]:
        return False
    if rule.family and rule.family != family_of(peer):
        return False
    if rule.addresses is not None and not within(int(ip_address(peer)), rule.addresses):
        return False
    if rule.protocol and rule.protocol != packet.protocol:
        return False
    if rule.port_name:
        return (packet.destination, packet.port) in table.ports[rule.protocol, rule.port_name]
    return not rule.ports or within(packet.port, rule.ports)


def only_lets_more(old: PolicyTable, new: PolicyTable) -> bool:
    """True when whatever passes by the old rules certainly passes by the new ones: groups grew, and nothing else."""
    return (
        old.ingress == new.ingress
        and old.egress == new.egress
        and all(new.groups.get(group, frozenset()) >= members for group, members in old.groups.items())
        and all(new.ports.get(port, frozenset()) >= numbers for port, numbers in old.ports.items())
    )
