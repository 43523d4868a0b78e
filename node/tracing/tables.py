"""Tables of rules as the kernel has them, or is to have them: text, which is read where a packet meets it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

IPTABLES, IPTABLES_LEGACY, NFTABLES = "iptables", "iptables-legacy", "nftables"
NAT, FILTER = "nat", "filter"

# language, family, table, and a chain, set or map of it
TableKey = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One rule, without its counters: how many packets and bytes it has taken; -1 where it counts none."""

    text: str
    packets: int = -1
    size_bytes: int = -1


@dataclass(frozen=True, slots=True)
class Hook:
    """Where the kernel asks a base chain, before which others (lower first), and what becomes of what it lets fall."""

    name: str  # prerouting, input, forward, output or postrouting
    kind: str  # nat, filter or route
    priority: int
    policy: str = "accept"


@dataclass(frozen=True, slots=True)
class Chain:
    """Its rules in order. A base chain has a hook."""

    lines: tuple[Line, ...] = ()
    hook: Hook | None = None


@dataclass(frozen=True)
class Table:
    """`program` is whose language the rules are in: IPTABLES, IPTABLES_LEGACY or NFTABLES.

    `maps` are those of nftables, and its sets, whose elements have the value "".
    """

    program: str
    family: str  # ip, ip6 or inet
    name: str
    chains: Mapping[str, Chain] = field(default_factory=dict)
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def key(self, name: str) -> TableKey:
        """Of a chain, set or map; the same whichever program of iptables it is of."""
        return NFTABLES if self.program == NFTABLES else IPTABLES, self.family, self.name, name

    def __str__(self) -> str:
        family = f"{self.family} " if self.program == NFTABLES else ""
        return f"{self.program} {family}{self.name}"
