"""One iptables rule as data: rendered for iptables-restore, and followed by `trace`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from node.family import family_of

MARK = "0x4000"


@dataclass(slots=True)  # not frozen, as that would double what making one costs. It does not change.
class Rule:
    """Matches are those that are set; all must hold. The text is what iptables-save prints for it."""

    target: str
    source: str = ""
    not_source: str = ""
    destination: str = ""
    not_destination: str = ""
    protocol: str = ""  # tcp, udp or sctp
    destination_port: int = 0
    last_port: int = 0  # of a range that begins with destination_port
    local_destination: bool = False
    local_source: bool = False
    new_flow: bool = False
    translated: bool = False  # its destination was changed
    not_marked: bool = False
    one_in: int = 0  # a random choice: one packet in so many
    recent_source: str = ""  # a list of `recent` that holds the packet's source
    recent_seconds: int = 0
    remember_source: str = ""  # a list of `recent` that takes the packet's source in
    comment: str = ""
    dnat_to: str = ""  # ip:port, IPv6 in brackets
    options: str = ""  # of the target, as in iptables-save
    goto: bool = False  # what the target, a chain, leaves alone does not come back here

    def __str__(self) -> str:
        target = f"-{'g' if self.goto else 'j'} {self.target}"
        return " ".join([*self._addresses(), *self._matches(), target, *self._target_options()])

    def _addresses(self) -> list[str]:
        parts: list[str] = []
        if self.not_source:
            parts.append(f"! -s {self.not_source}")
        if self.source:
            parts.append(f"-s {_network(self.source)}")
        if self.not_destination:
            parts.append(f"! -d {self.not_destination}")
        if self.destination:
            parts.append(f"-d {_network(self.destination)}")
        if self.protocol:
            parts.append(f"-p {self.protocol}")
        return parts

    def _matches(self) -> list[str]:
        parts: list[str] = []
        if self.comment:
            parts.append(f"-m comment --comment {_quoted(self.comment)}")
        if self.protocol and (self.destination_port or self.last_port):
            parts.append(f"-m {self.protocol} --dport {self._ports()}")
        if self.local_source:
            parts.append("-m addrtype --src-type LOCAL")
        if self.local_destination:
            parts.append("-m addrtype --dst-type LOCAL")
        if self.new_flow:
            parts.append("-m conntrack --ctstate NEW")
        if self.translated:
            parts.append("-m conntrack --ctstate DNAT")
        if self.not_marked:
            parts.append(f"-m mark ! --mark {MARK}/{MARK}")
        if self.one_in:
            parts.append(f"-m statistic --mode random --probability {_probability(self.one_in)}")
        # Behind all others: what a list takes in has matched.
        if self.recent_source:
            parts.append(
                f"-m recent --rcheck --seconds {self.recent_seconds} --reap --name {self.recent_source} {self._key()}"
            )
        if self.remember_source:
            parts.append(f"-m recent --set --name {self.remember_source} {self._key()}")
        return parts

    def _key(self) -> str:
        """By what a list knows who was there: the whole address."""
        mask = ":".join(["ffff"] * 8) if self.dnat_to.startswith("[") else "255.255.255.255"
        return f"--mask {mask} --rsource"

    def _ports(self) -> str:
        return f"{self.destination_port}:{self.last_port}" if self.last_port else str(self.destination_port)

    def _target_options(self) -> list[str]:
        destination = [f"--to-destination {self.dnat_to}"] if self.dnat_to else []
        return [*destination, *([self.options] if self.options else [])]


def _network(address: str) -> str:
    return address if "/" in address else f"{address}/{family_of(address).bits}"


def _quoted(comment: str) -> str:
    # As iptables-save does it: bare when there are only letters, digits, "_" and "-".
    return comment if re.fullmatch(r"[A-Za-z0-9_-]+", comment) else f'"{comment}"'


@cache
def _probability(one_in: int) -> str:
    # The kernel keeps 31 bits; iptables-save prints what they come to with 11 digits.
    return f"{round(2**31 / one_in) / 2**31:.11f}"
