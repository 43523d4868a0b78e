"""An imaginary packet, and where it goes, for tests and for tracing. Each backend follows it through its rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network


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
    dropped: bool = False
    met: int = 0  # rules that were tried, matching or not


def within(address: str, network: str) -> bool:
    """Raises ValueError for what is no address."""
    return ip_address(address) in ip_network(network)  # False across families
