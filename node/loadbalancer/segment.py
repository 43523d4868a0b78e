"""What this node does on one segment: whom it hears, which addresses it answers for, and what it sends. Pure.

The caller says what time it is, brings what was received, and sends what comes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from node.loadbalancer import heartbeat, neighbours
from node.loadbalancer.decide import Verdict, holder
from node.loadbalancer.heartbeat import Heartbeat, Marks
from node.loadbalancer.members import Member, Members
from node.loadbalancer.wanted import WantedAddress

BEAT_S: Final = 0.5
LISTEN_S: Final = 0.8
"""A node that begins hears at least one heartbeat of each other one before it decides anything."""
PROBE_S: Final = 0.25
"""For so long an answer of somebody who has the address already is waited for."""
ANNOUNCE_AFTER_S: Final = (0.0, 0.25, 1.0, 2.0, 4.0)
"""Neighbours may lose frames, and two nodes may answer at once for a moment: the last word is the right one."""
TAKEN_S: Final = 10.0
"""How long an address that somebody else answers for is left alone before it is tried again."""


@dataclass(frozen=True)
class Move:
    """Something to tell of an address: this node answers for it now, no more, or cannot since `other` (a MAC) does."""

    address: str
    service: tuple[str, str]
    answers: bool
    why: str
    other: str = ""


@dataclass
class _Claim:
    service: tuple[str, str]
    why: str
    since_s: float
    answering: bool = False
    announced: int = 0


class Segment:
    """`node` on a segment where it has the MAC `mac`. `remembered` are addresses that it answered for before."""

    def __init__(self, node: str, marks: Marks, mac: bytes, remembered: frozenset[str], now_s: float) -> None:
        self.members = Members()
        self.verdicts: dict[str, Verdict] = {}
        """Who answers for each wanted address, as seen here."""
        self.moves: list[Move] = []
        """What happened; the caller takes them out."""
        self._node, self._marks, self._mac = node, marks, mac
        self._remembered = remembered
        self._began_s = now_s
        self._decided = False
        self._judged: tuple[Mapping[str, Member], Mapping[str, WantedAddress]] | None = None
        self._claims: dict[str, _Claim] = {}
        self._taken: dict[str, float] = {}  # by address, when it may be tried again
        self._beat_s = 0.0  # when the last one was sent
        self._defended_s: dict[str, float] = {}
        self._changed = True  # whether others have to hear of it at once

    @property
    def holds(self) -> frozenset[str]:
        return frozenset(self._claims)

    @property
    def decided(self) -> bool:
        """Whether it has listened for long enough to know what it answers for."""
        return self._decided

    def heard(self, frame: bytes, now_s: float) -> None:
        """A frame of the heartbeats' EtherType."""
        found = heartbeat.parse(frame, self._marks())
        if found is not None and found[1].node != self._node:
            self.members.take(*found, now_s)

    def asked(self, frame: bytes, now_s: float) -> Iterator[bytes]:
        """A frame of ARP or of neighbour discovery: the answer, where it is ours to give."""
        word = neighbours.heard(frame)
        if word is None:
            return
        claim = self._claims.get(word.asked)
        if claim is not None and claim.answering:
            yield word.reply(self._mac)
        claim = self._claims.get(word.claimed)
        if claim is not None and word.mac != self._mac and word.mac not in self.members.macs:
            yield from self._contested(word.claimed, claim, word.mac, now_s)

    def turn(self, now_s: float, wanted: Mapping[str, WantedAddress] | None, *, fit: bool) -> Iterator[bytes]:
        """What is to be sent now. `wanted` is None while that is not known."""
        alive = {**self.members.alive(now_s), self._node: Member(self._node, fit, self.holds)}
        if wanted is not None and now_s - self._began_s >= LISTEN_S:
            if not self._decided:
                self._resume(now_s, wanted, alive)
                alive[self._node] = Member(self._node, fit, self.holds)
            if self._judged != (alive, wanted):
                self._judged = alive, wanted
                self.verdicts = {each: holder(each, about.standings, alive) for each, about in wanted.items()}
            yield from self._claim(now_s, wanted)
        yield from self._announce(now_s)
        if self._changed or now_s - self._beat_s >= BEAT_S:
            self._changed, self._beat_s = False, now_s
            beat = Heartbeat(self._node, self._decided, fit, self.holds)
            yield from heartbeat.frames(beat, self._marks()[0], self._mac)

    def _resume(self, now_s: float, wanted: Mapping[str, WantedAddress], alive: Mapping[str, Member]) -> None:
        """Goes on with what it answered for before it began again, unless somebody else does by now."""
        others = frozenset[str]().union(*(member.holds for member in alive.values()))
        for address in self._remembered & wanted.keys() - others:
            self._claims[address] = _Claim(wanted[address].service, "it did before", now_s, answering=True)
        self._decided = self._changed = True

    def _claim(self, now_s: float, wanted: Mapping[str, WantedAddress]) -> Iterator[bytes]:
        ours = {address for address, verdict in self.verdicts.items() if verdict.node == self._node}
        for address in self._claims.keys() - ours:
            claim = self._claims.pop(address)
            self._changed = True
            if claim.answering:
                verdict = self.verdicts.get(address)
                why = f"{verdict.node or 'nobody'} does: {verdict.why}" if verdict else "it is no longer wanted"
                self.moves.append(Move(address, claim.service, False, why))
        for address in ours - self._claims.keys():
            if self._taken.get(address, now_s) <= now_s:
                self._claims[address] = _Claim(wanted[address].service, self.verdicts[address].why, now_s)
                self._changed = True
                yield neighbours.probe(address, self._mac)

    def _announce(self, now_s: float) -> Iterator[bytes]:
        for address, claim in self._claims.items():
            if not claim.answering and now_s - claim.since_s >= PROBE_S:
                claim.answering, claim.since_s = True, now_s
                self.moves.append(Move(address, claim.service, True, claim.why))
            if not claim.answering or claim.announced >= len(ANNOUNCE_AFTER_S):
                continue
            if now_s - claim.since_s >= ANNOUNCE_AFTER_S[claim.announced]:
                claim.announced += 1
                yield from neighbours.announcements(address, self._mac)

    def _contested(self, address: str, claim: _Claim, mac: bytes, now_s: float) -> Iterator[bytes]:
        """A stranger has the address: it is left to him who was there first, and else defended (RFC 5227, 2.4 b)."""
        if self._taken.get(address, 0.0) <= now_s:
            self.moves.append(Move(address, claim.service, claim.answering, "it answers for the address", mac.hex(":")))
        self._taken[address] = now_s + TAKEN_S
        if not claim.answering:
            del self._claims[address]
            self._changed = True
        elif now_s - self._defended_s.get(address, -TAKEN_S) >= TAKEN_S:
            self._defended_s[address] = now_s
            yield from neighbours.announcements(address, self._mac)
