"""Follows an imaginary packet through the table. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from node.family import IPV4, Family
from node.proxy.frontends import Frontend
from node.proxy.nftables.frontend_parts import ChainsOfRules, Elements, parts_of
from node.proxy.nftables.layout import DISPATCH, POSTROUTING, REFUSE, fixed_chains
from node.proxy.nftables.rule import NftRule
from node.proxy.node import ProxyNode
from node.proxy.packet import Packet, Trace, within
from podlab.api.values.ipfamilies import with_port, without_port


@dataclass(frozen=True)
class TableContent:
    """What the kernel has, or is to have."""

    chains: ChainsOfRules
    elements: Elements
    own: Collection[str]
    family: Family = IPV4


def content_of(frontends: Iterable[Frontend], own: Collection[str], node: ProxyNode) -> TableContent:
    """The table of these places."""
    parts = [parts_of(frontend, node.cluster_cidr) for frontend in frontends]
    chains = {**fixed_chains(node), **{name: rules for each in parts for name, rules in each.chains.items()}}
    elements = {at: value for each in parts for at, value in each.elements.items()}
    return TableContent(chains, elements, own, node.family)


def trace(table: TableContent, packet: Packet) -> Trace:
    """Where the packet can land. Raises ValueError when an address of it is none."""
    result = Trace()
    marked = _Walk(table, packet, result).chain(DISPATCH)
    for endpoint in result.endpoints:
        on_the_way_out = Trace()
        translated = replace(packet, destination=without_port(endpoint)[0], local=False)
        _Walk(table, translated, on_the_way_out, marked).chain(POSTROUTING)
        result.masqueraded |= on_the_way_out.masqueraded
        result.steps += [step for step in on_the_way_out.steps if step not in result.steps]
    if not result.endpoints:
        _Walk(table, packet, result).chain(REFUSE)
    return result


@dataclass
class _Walk:
    table: TableContent
    packet: Packet
    result: Trace
    marked: bool = False
    ended: bool = False

    def chain(self, name: str) -> bool:
        """Whether the packet may be marked in the end."""
        for rule in self.table.chains[name]:
            self.result.met += 1
            if not self._matches(rule):
                continue
            verdicts = self._do(rule)
            if verdicts is None:
                continue
            self.result.steps.append((name, rule.text(self.table.family)))
            for verdict in verdicts:
                self._verdict(verdict)
            if self.ended and not rule.remembered:
                return self.marked
        return self.marked

    def _do(self, rule: NftRule) -> list[str] | None:
        """The verdicts that it may come to; None when it looks up what is not there."""
        at = self._look_up(rule)
        if at is not None and at not in self.table.elements:
            return None
        self.marked = (self.marked or rule.marks) and not rule.unmarks
        if rule.dnat_by and at is not None:
            self._land(with_port(*self.table.elements[at].split(" . ")))
        for endpoint in rule.dnat_to:
            self._land(endpoint)
        found = [self.table.elements[at]] if at is not None and not rule.dnat_by else []
        return [*found, *(f"goto {chain}" for chain in rule.one_of), *([rule.verdict] if rule.verdict else [])]

    def _look_up(self, rule: NftRule) -> tuple[str, str] | None:
        port = f"{self.packet.protocol} . {self.packet.port}"
        if rule.look_up_port:
            return rule.look_up_port, port
        name = rule.look_up or rule.dnat_by
        return (name, f"{self.packet.destination} . {port}") if name else None

    def _land(self, endpoint: str) -> None:
        self.ended = True
        if endpoint not in self.result.endpoints:
            self.result.endpoints.append(endpoint)

    def _verdict(self, verdict: str) -> None:
        word, _, rest = verdict.partition(" ")
        if word in ("goto", "jump"):
            self.chain(rest)
        self.result.dropped |= word == "drop"
        self.result.rejected |= word == "reject"
        self.result.masqueraded |= word == "masquerade"
        self.ended |= word in ("drop", "reject", "masquerade", "goto")

    def _matches(self, rule: NftRule) -> bool:
        """All but what only a real packet has: its flow, and who was remembered."""
        packet = self.packet
        if rule.sources and not any(within(packet.source, each) for each in rule.sources):
            return False
        if rule.not_source and within(packet.source, rule.not_source):
            return False
        if rule.destinations and not any(within(packet.destination, each) for each in rule.destinations):
            return False
        if rule.not_destination and within(packet.destination, rule.not_destination):
            return False
        if rule.pair and not (packet.source == packet.destination and packet.source in self.table.own):
            return False
        if (rule.local_source and not packet.from_node) or (rule.local_destination and not packet.local):
            return False
        return not (rule.marked and not self.marked) and rule.protocol in ("", packet.protocol)
