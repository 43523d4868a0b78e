"""One rule of nftables as data: rendered for nft, and followed by `trace`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from node.family import IPV4, Family
from podlab.api.values.ipfamilies import without_port

MARK = "0x4000"
PORT = "meta l4proto . th dport"


@dataclass(frozen=True, slots=True)
class NftRule:
    """Matches are those that are set; all must hold. The rest is what is done then, in the order of the fields.

    `text` says it in the words of a family.
    """

    sources: tuple[str, ...] = ()
    not_source: str = ""
    destinations: tuple[str, ...] = ()
    not_destination: str = ""
    local_source: bool = False
    local_destination: bool = False
    protocol: str = ""
    new_flow: bool = False
    translated: bool = False  # its destination was changed
    marked: bool = False
    remembered: str = ""  # a set that holds the source
    pair: str = ""  # a set that holds source and destination together
    marks: bool = False
    unmarks: bool = False
    remembers: str = ""  # a set that takes the source in
    look_up: str = ""  # a map of verdicts, by place
    look_up_port: str = ""  # the same by port
    dnat_by: str = ""  # a map of endpoints, by place
    dnat_to: tuple[str, ...] = ()  # ip:port (IPv6 in brackets), one by chance
    one_of: tuple[str, ...] = ()  # chains, one by chance
    verdict: str = ""  # goto CHAIN, jump CHAIN, return, drop, reject ..., masquerade ...

    def text(self, family: Family = IPV4) -> str:
        return " ".join([*self._matches(family.nft), *self._actions(family.nft)])

    def counted(self, family: Family = IPV4) -> str:
        """The same with a counter of the packets that match."""
        return " ".join([*self._matches(family.nft), "counter", *self._actions(family.nft)])

    def _matches(self, ip: str) -> list[str]:
        texts = {
            f"{ip} saddr {_set(self.sources)}": self.sources,
            f"{ip} saddr != {self.not_source}": self.not_source,
            f"{ip} daddr {_set(self.destinations)}": self.destinations,
            f"{ip} daddr != {self.not_destination}": self.not_destination,
            "fib saddr type local": self.local_source,
            "fib daddr type local": self.local_destination,
            f"meta l4proto {self.protocol}": self.protocol,
            "ct state new": self.new_flow,
            "ct status dnat": self.translated,
            f"meta mark & {MARK} == {MARK}": self.marked,
            f"{ip} saddr @{self.remembered}": self.remembered,
            f"{ip} saddr . {ip} daddr @{self.pair}": self.pair,
        }
        return [text for text, is_set in texts.items() if is_set]

    def _actions(self, ip: str) -> list[str]:
        place = f"{ip} daddr . {PORT}"
        chains = _numbered(f"goto {each}" for each in self.one_of)
        texts = {
            f"meta mark set meta mark | {MARK}": self.marks,
            f"meta mark set meta mark ^ {MARK}": self.unmarks,
            f"update @{self.remembers} {{ {ip} saddr }}": self.remembers,
            f"{place} vmap @{self.look_up}": self.look_up,
            f"{PORT} vmap @{self.look_up_port}": self.look_up_port,
            f"dnat {ip} to {place} map @{self.dnat_by}": self.dnat_by,
            f"dnat {ip} to {_one_endpoint(self.dnat_to)}": self.dnat_to,
            f"numgen random mod {len(self.one_of)} vmap {chains}": self.one_of,
            self.verdict: self.verdict,
        }
        return [text for text, is_set in texts.items() if is_set]


def concatenated(endpoint: str) -> str:
    """An endpoint as a value of a map."""
    return " . ".join(without_port(endpoint))


def _one_endpoint(endpoints: Sequence[str]) -> str:
    if len(endpoints) == 1:
        return endpoints[0]
    return f"numgen random mod {len(endpoints)} map {_numbered(map(concatenated, endpoints))}"


def _numbered(values: Iterable[str]) -> str:
    return "{ " + ", ".join(f"{number} : {value}" for number, value in enumerate(values)) + " }"


def _set(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else "{ " + ", ".join(values) + " }"
