"""One rule of nftables as data: rendered for nft, and followed by `trace`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MARK = "0x4000"
PLACE = "ip daddr . meta l4proto . th dport"
PORT = "meta l4proto . th dport"
PAIR = "ip saddr . ip daddr"


@dataclass(frozen=True, slots=True)
class NftRule:
    """Matches are those that are set; all must hold. The rest is what is done then, in the order of the fields."""

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
    dnat_to: tuple[str, ...] = ()  # ip:port, one by chance
    one_of: tuple[str, ...] = ()  # chains, one by chance
    verdict: str = ""  # goto CHAIN, jump CHAIN, return, drop, reject ..., masquerade ...

    def __str__(self) -> str:
        return " ".join([*self._matches(), *self._actions()])

    def _matches(self) -> list[str]:
        texts = {
            f"ip saddr {_set(self.sources)}": self.sources,
            f"ip saddr != {self.not_source}": self.not_source,
            f"ip daddr {_set(self.destinations)}": self.destinations,
            f"ip daddr != {self.not_destination}": self.not_destination,
            "fib saddr type local": self.local_source,
            "fib daddr type local": self.local_destination,
            f"meta l4proto {self.protocol}": self.protocol,
            "ct state new": self.new_flow,
            "ct status dnat": self.translated,
            f"meta mark & {MARK} == {MARK}": self.marked,
            f"ip saddr @{self.remembered}": self.remembered,
            f"{PAIR} @{self.pair}": self.pair,
        }
        return [text for text, is_set in texts.items() if is_set]

    def _actions(self) -> list[str]:
        chains = _numbered(f"goto {each}" for each in self.one_of)
        texts = {
            f"meta mark set meta mark | {MARK}": self.marks,
            f"meta mark set meta mark ^ {MARK}": self.unmarks,
            f"update @{self.remembers} {{ ip saddr }}": self.remembers,
            f"{PLACE} vmap @{self.look_up}": self.look_up,
            f"{PORT} vmap @{self.look_up_port}": self.look_up_port,
            f"dnat ip to {PLACE} map @{self.dnat_by}": self.dnat_by,
            f"dnat ip to {_one_endpoint(self.dnat_to)}": self.dnat_to,
            f"numgen random mod {len(self.one_of)} vmap {chains}": self.one_of,
            self.verdict: self.verdict,
        }
        return [text for text, is_set in texts.items() if is_set]


def concatenated(endpoint: str) -> str:
    """ip:port as a value of a map."""
    return endpoint.replace(":", " . ")


def _one_endpoint(endpoints: Sequence[str]) -> str:
    if len(endpoints) == 1:
        return endpoints[0]
    return f"numgen random mod {len(endpoints)} map {_numbered(map(concatenated, endpoints))}"


def _numbered(values: Iterable[str]) -> str:
    return "{ " + ", ".join(f"{number} : {value}" for number, value in enumerate(values)) + " }"


def _set(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else "{ " + ", ".join(values) + " }"
