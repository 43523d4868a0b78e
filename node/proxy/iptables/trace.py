"""Follows an imaginary packet through the chains. Pure."""

from __future__ import annotations

from dataclasses import replace

from node.proxy.iptables.layout import DISPATCH, REJECT, SNAT, Chains, Tables
from node.proxy.iptables.rule import Rule
from node.proxy.packet import Packet, Trace, within
from podlab.api.values.ipfamilies import without_port

ENDING = ("REJECT", "DROP", "MASQUERADE", "RETURN")


def trace(tables: Tables, packet: Packet) -> Trace:
    """Where the packet can land. Raises ValueError when an address of it is none."""
    result = Trace()
    marked = _follow(tables["nat"], DISPATCH, packet, result, marked=False)[1]
    for endpoint in result.endpoints:
        on_the_way_out = Trace()
        translated = replace(packet, destination=without_port(endpoint)[0], local=False)
        _follow(tables["nat"], SNAT, translated, on_the_way_out, marked=marked)
        result.masqueraded |= on_the_way_out.masqueraded
        result.steps += [step for step in on_the_way_out.steps if step not in result.steps]
    if not result.endpoints:
        _follow(tables["filter"], REJECT, packet, result, marked=marked)
    return result


def _follow(chains: Chains, chain: str, packet: Packet, result: Trace, *, marked: bool) -> tuple[bool, bool]:
    """Whether the packet certainly goes no further than this chain, and whether it may be marked."""
    for rule in chains[chain]:
        result.met += 1
        if not _matches(rule, packet) or (rule.not_marked and marked):
            continue
        result.steps.append((chain, str(rule)))
        ended = rule.target in ENDING
        if rule.target in chains:
            ended, marked = _follow(chains, rule.target, packet, result, marked=marked)
        elif rule.target == "RETURN":
            return False, marked
        elif rule.target == "MARK":
            marked = "0x0" not in rule.options
        elif rule.target == "DNAT":
            ended = True
            result.endpoints += [rule.dnat_to] if rule.dnat_to not in result.endpoints else []
        result.masqueraded |= rule.target == "MASQUERADE"
        result.rejected |= rule.target == "REJECT"
        result.dropped |= rule.target == "DROP"
        if ended and not rule.one_in and not rule.recent_source:
            return True, marked
    return False, marked


def _matches(rule: Rule, packet: Packet) -> bool:
    """All but what only a real packet has: its mark, its flow, and chance."""
    if rule.source and not within(packet.source, rule.source):
        return False
    if rule.not_source and within(packet.source, rule.not_source):
        return False
    if rule.destination and not within(packet.destination, rule.destination):
        return False
    if rule.not_destination and within(packet.destination, rule.not_destination):
        return False
    if rule.local_source and not packet.from_node:
        return False
    if rule.protocol and rule.protocol != packet.protocol:
        return False
    ranged = rule.destination_port or rule.last_port
    if ranged and not rule.destination_port <= packet.port <= (rule.last_port or rule.destination_port):
        return False
    return packet.local or not rule.local_destination
