"""Follows an imaginary packet through the proxy's rules, for the tests and for `podlab trace`."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from node.proxy.rule import Rule
from node.proxy.rules import DISPATCH, MARKING, REJECT, Chains


@dataclass(frozen=True)
class Packet:
    """`local` is true when the destination is an address of the node itself, `from_node` when the source is one."""

    source: str
    destination: str
    port: int
    protocol: str = "tcp"
    local: bool = False
    from_node: bool = False


@dataclass
class Trace:
    """`endpoints` are all that a random choice can lead to; `steps` are the rules that matched, as (chain, rule)."""

    steps: list[tuple[str, str]] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)
    masqueraded: bool = False
    rejected: bool = False


def trace(chains: Chains, packet: Packet) -> Trace:
    """Where the packet can land."""
    result = Trace()
    _follow(chains, DISPATCH, packet, result)
    if not result.endpoints:
        for rule in chains["filter"][REJECT]:
            if _matches(rule, packet):
                result.steps.append((REJECT, str(rule)))
                result.rejected = True
                break
    return result


def _follow(chains: Chains, chain: str, packet: Packet, result: Trace) -> bool:
    """True when the packet certainly goes no further than this chain."""
    for rule in chains["nat"][chain]:
        if not _matches(rule, packet):
            continue
        result.steps.append((chain, str(rule)))
        if rule.target == MARKING:
            result.masqueraded = True
        elif rule.target == "DNAT":
            result.endpoints.append(rule.dnat_to)
            return True
        elif rule.target in chains["nat"]:
            ended = _follow(chains, rule.target, packet, result)
            if ended and not rule.one_in and not rule.recent_source:
                return True
    return False


def _matches(rule: Rule, packet: Packet) -> bool:
    if rule.source and not _within(packet.source, rule.source):
        return False
    if rule.not_source and _within(packet.source, rule.not_source):
        return False
    if rule.destination and not _within(packet.destination, rule.destination):
        return False
    if rule.not_destination and _within(packet.destination, rule.not_destination):
        return False
    if rule.local_source and not packet.from_node:
        return False
    if rule.protocol and rule.protocol != packet.protocol:
        return False
    if rule.destination_port and rule.destination_port != packet.port:
        return False
    return packet.local or not rule.local_destination


def _within(address: str, network: str) -> bool:
    return ip_address(address) in ip_network(network)
