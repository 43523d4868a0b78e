"""Which node answers for an address, and why: the same on every node that hears the same. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from node.loadbalancer.members import Member

# Standings of nodes that may answer: the best there is does. What is worse serves where nothing better is left.
READY, CORDONED, NOT_READY = range(3)
_WHY: Final = {CORDONED: "it is cordoned", NOT_READY: "it is not ready"}


@dataclass(frozen=True)
class Verdict:
    """`node` is empty where none may answer."""

    node: str
    why: str


def holder(address: str, standings: Mapping[str, int], alive: Mapping[str, Member]) -> Verdict:
    """`standings` has the nodes that may answer, `alive` those that are heard on the segment, this one included.

    Of the nodes in the best standing one that answers already goes on, so that connections stay where they are; else,
    and among several, a number made of address and name chooses, which spreads addresses evenly.
    """
    here = {name: _standing(standings[name], member) for name, member in alive.items() if name in standings}
    if not here:
        return Verdict("", _nobody(standings))
    best = min(here.values())
    equals = [name for name, standing in here.items() if standing == best]
    holding = [name for name in equals if address in alive[name].holds]
    chosen = min(holding or equals, key=lambda name: _order(address, name))
    return Verdict(chosen, _reason(chosen, best, equals, holding))


def _standing(standing: int, member: Member) -> int:
    return standing if member.fit else NOT_READY


def _nobody(standings: Mapping[str, int]) -> str:
    if not standings:
        return "no node may answer: all are excluded, or the Service's policy is Local and no node has endpoints"
    return f"none of the nodes that may answer is heard on the segment: {', '.join(sorted(standings))}"


def _reason(chosen: str, best: int, equals: list[str], holding: list[str]) -> str:
    if holding:
        why = (
            "it answers already"
            if len(holding) == 1
            else f"first in order of {', '.join(sorted(holding))}, which all do"
        )
    else:
        why = f"first in order of {', '.join(sorted(equals))}" if len(equals) > 1 else "no other node can"
    return f"{why}; {_WHY[best]}, and no better node is left" if best in _WHY else why


def _order(address: str, node: str) -> bytes:
    return hashlib.sha256(f"{address} {node}".encode()).digest()
