"""The nodes that are heard on a segment, and what they said last. Pure: the caller says what time it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from node.loadbalancer.heartbeat import Heartbeat

DEAD_AFTER_S: Final = 3.0
"""A node that is not heard for so long is taken for gone; six heartbeats are lost then."""


@dataclass(frozen=True)
class Member:
    """A node that lives, as it says; `holds` are the addresses that it answers for."""

    node: str
    fit: bool = True
    holds: frozenset[str] = frozenset()


@dataclass
class _Heard:
    at_s: float
    fit: bool
    undecided_s: float | None = None  # since when it does not know what it answers for
    holds: dict[int, frozenset[str]] = field(default_factory=dict)  # by part


class Members:
    """Others than this node, on one segment."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}
        self.macs: dict[bytes, str] = {}
        """Of nodes that were ever heard, with their names."""

    def take(self, mac: bytes, beat: Heartbeat, now_s: float) -> None:
        """One that has just begun again keeps what it held for a while: its rules serve on."""
        self.macs[mac] = beat.node
        heard = self._heard.get(beat.node)
        if heard is None or now_s - heard.at_s >= DEAD_AFTER_S:
            heard = self._heard[beat.node] = _Heard(now_s, beat.fit)
        heard.at_s, heard.fit = now_s, beat.fit
        if beat.decided:
            heard.undecided_s = None
            heard.holds = {part: said for part, said in heard.holds.items() if part < beat.parts}
            heard.holds[beat.part] = beat.holds
        elif heard.undecided_s is None:
            heard.undecided_s = now_s

    def alive(self, now_s: float) -> Mapping[str, Member]:
        """By name. One that never decides cannot answer for anything."""
        return {
            node: Member(node, heard.fit, frozenset().union(*heard.holds.values()))
            for node, heard in self._heard.items()
            if now_s - heard.at_s < DEAD_AFTER_S
            and (heard.undecided_s is None or now_s - heard.undecided_s < DEAD_AFTER_S)
        }
