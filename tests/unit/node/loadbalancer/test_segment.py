"""Nodes on a segment of no wire: frames go to all others at once, unless they are cut off, and time is ours."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

import pytest

from node.loadbalancer import arp, ndp, neighbours
from node.loadbalancer.decide import CORDONED, NOT_READY, READY
from node.loadbalancer.segment import Move, Segment
from node.loadbalancer.wanted import WantedAddress

MARK = b"cluster."
ADDRESS = "192.0.2.200"
CLIENT = bytes.fromhex("02000000ffff")
STRANGER = bytes.fromhex("02000000eeee")
STEP_S = 0.05
IPV6 = "fd00::200"
MANY = tuple(f"192.0.2.{number}" for number in range(200, 220))


def mac(name: str) -> bytes:
    return bytes([2, 0, 0, 0, 0, int(name[1:])])


class Wire:
    """`silent` nodes are not turned any more: dead ones. `unheard` send what nobody gets."""

    def __init__(self, *names: str, addresses: tuple[str, ...] = (ADDRESS,)) -> None:
        self.now_s = 100.0
        self.standings = dict.fromkeys(names, READY)
        self.addresses = addresses
        self.nodes: dict[str, Segment] = {}
        self.silent: set[str] = set()
        self.unheard: set[str] = set()
        self.unfit: set[str] = set()
        self.ignorant: set[str] = set()
        self.moves: list[tuple[str, Move]] = []
        self.broadcast: list[tuple[float, bytes]] = []
        self.stranger = False
        for name in names:
            self.start(name)

    def start(self, name: str, remembered: frozenset[str] = frozenset()) -> None:
        self.nodes[name] = Segment(name, lambda: (MARK,), mac(name), remembered, self.now_s)
        self.silent.discard(name)

    def wanted(self) -> Mapping[str, WantedAddress]:
        return {each: WantedAddress(("default", "web"), dict(self.standings)) for each in self.addresses}

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.now_s += STEP_S
            for name in sorted(self.nodes.keys() - self.silent):
                node = self.nodes[name]
                wanted = None if name in self.ignorant else self.wanted()
                for frame in node.turn(self.now_s, wanted, fit=name not in self.unfit):
                    self._carry(name, frame)
                self.moves += [(name, move) for move in node.moves]
                node.moves.clear()

    def _carry(self, sender: str, frame: bytes) -> None:
        packet = arp.parse(frame)
        if ndp.parse(frame) is not None:
            self.broadcast.append((self.now_s, frame))
        if packet is not None:
            self.broadcast.append((self.now_s, frame))
            is_question = packet.operation == arp.REQUEST and packet.sender != packet.target
            if self.stranger and is_question and str(packet.target) == ADDRESS:
                self.deliver(arp.reply(packet, STRANGER))
        if sender in self.unheard:
            return
        for name in self.nodes.keys() - self.silent - self.unheard - {sender}:
            if neighbours.heard(frame) is None:
                self.nodes[name].heard(frame, self.now_s)
            else:
                list(self.nodes[name].asked(frame, self.now_s))

    def deliver(self, frame: bytes) -> list[bytes]:
        """A frame of some other machine on the segment, and the answers."""
        return [
            answer for name in self.nodes.keys() - self.silent for answer in self.nodes[name].asked(frame, self.now_s)
        ]

    def who_has(self, address: str = ADDRESS) -> list[str]:
        """Who answers a client."""
        question = arp.parse(arp.probe(IPv4Address(address), CLIENT))
        assert question is not None
        answers = [arp.parse(answer) for answer in self.deliver(arp.probe(IPv4Address(address), CLIENT))]
        return sorted(f"n{answer.sender_mac[-1]}" for answer in answers if answer is not None)


def settled(*names: str, addresses: tuple[str, ...] = (ADDRESS,)) -> tuple[Wire, str]:
    """Nodes that have run for a while, and who of them answers."""
    wire = Wire(*names, addresses=addresses)
    wire.run(3)
    (holder,) = wire.who_has()
    return wire, holder


def who_has_ipv6(wire: Wire) -> list[str]:
    """Who answers a client that asks for IPV6."""
    answers = [ndp.parse(answer) for answer in wire.deliver(ndp.probe(IPv6Address(IPV6), CLIENT))]
    return sorted(f"n{answer.mac[-1]}" for answer in answers if answer is not None and str(answer.target) == IPV6)


def test_an_address_of_ipv6_is_announced_answered_for_and_moved() -> None:
    wire = Wire("n1", "n2", addresses=(ADDRESS, IPV6))
    wire.run(3)
    (holder,) = who_has_ipv6(wire)
    told = [said for _, frame in wire.broadcast if (said := ndp.parse(frame)) and said.kind == ndp.ADVERTISEMENT]
    assert {(said.mac, str(said.target)) for said in told} == {(mac(holder), IPV6)}
    wire.silent.add(holder)
    wire.run(4)
    assert who_has_ipv6(wire) == sorted({"n1", "n2"} - {holder})


def test_an_address_of_ipv6_that_a_stranger_has_is_left_to_him() -> None:
    wire = Wire("n1", addresses=(IPV6,))
    wire.run(0.9)  # it asks whether anybody has it
    wire.deliver(ndp.announcement(IPv6Address(IPV6), STRANGER))
    wire.run(1)
    assert who_has_ipv6(wire) == []
    assert [(move.address, move.other) for _, move in wire.moves] == [(IPV6, STRANGER.hex(":"))]


def test_one_node_answers_and_tells_all_neighbours() -> None:
    wire, holder = settled("n1", "n2", "n3")
    assert [(name, move.answers) for name, move in wire.moves] == [(holder, True)]
    told = {
        (packet.operation, packet.sender_mac, str(packet.sender))
        for _, frame in wire.broadcast
        if (packet := arp.parse(frame)) and packet.sender == packet.target
    }
    assert told == {(arp.REQUEST, mac(holder), ADDRESS), (arp.REPLY, mac(holder), ADDRESS)}


def test_addresses_are_spread_over_nodes_that_begin_together() -> None:
    wire, _ = settled("n1", "n2", "n3", addresses=MANY)
    holders = [wire.who_has(each) for each in MANY]
    assert all(len(each) == 1 for each in holders)
    assert {each[0] for each in holders} == {"n1", "n2", "n3"}


def test_another_one_answers_within_five_seconds_of_a_death_and_the_dead_does_not_take_it_back() -> None:
    wire, holder = settled("n1", "n2", "n3")
    wire.silent.add(holder)
    died_s = wire.now_s
    while not wire.who_has():
        wire.run(STEP_S)
    assert 2.0 < wire.now_s - died_s < 4.0
    (heir,) = wire.who_has()
    wire.start(holder)
    wire.run(10)
    assert wire.who_has() == [heir]


def test_a_short_restart_moves_nothing() -> None:
    wire, holder = settled("n1", "n2", "n3", addresses=MANY)
    before = {each: wire.who_has(each) for each in MANY}
    held = wire.nodes[holder].holds
    wire.silent.add(holder)
    wire.run(1.5)
    wire.start(holder, held)
    wire.ignorant.add(holder)
    wire.run(1.0)
    wire.ignorant.clear()
    wire.moves.clear()
    wire.run(5)
    assert {each: wire.who_has(each) for each in MANY} == before
    assert not wire.moves


def test_what_was_taken_over_meanwhile_is_not_remembered() -> None:
    wire, holder = settled("n1", "n2")
    held = wire.nodes[holder].holds
    wire.silent.add(holder)
    wire.run(6)
    (heir,) = wire.who_has()
    wire.start(holder, held)
    wire.run(5)
    assert wire.who_has() == [heir] != [holder]


def test_one_that_never_learns_what_is_wanted_is_not_waited_for() -> None:
    wire, holder = settled("n1", "n2")
    wire.start(holder, wire.nodes[holder].holds)
    wire.ignorant.add(holder)
    wire.run(5)
    assert wire.who_has() == [({"n1", "n2"} - {holder}).pop()]


@pytest.mark.parametrize("standing", [CORDONED, NOT_READY, None])
def test_a_better_node_answers_at_once_in_place_of_one_that_may_not_or_is_worse(standing: int | None) -> None:
    wire, holder = settled("n1", "n2")
    if standing is None:
        del wire.standings[holder]
    else:
        wire.standings[holder] = standing
    wire.run(1)
    assert wire.who_has() == [({"n1", "n2"} - {holder}).pop()]


def test_where_all_are_worse_the_holder_goes_on() -> None:
    wire, holder = settled("n1", "n2")
    wire.standings = dict.fromkeys(wire.standings, NOT_READY)
    wire.run(3)
    assert wire.who_has() == [holder]


def test_nobody_answers_where_none_may() -> None:
    wire, holder = settled("n1", "n2")
    wire.standings.clear()
    wire.run(1)
    assert wire.who_has() == []
    assert wire.nodes[holder].verdicts[ADDRESS].why.startswith("no node may answer")


def test_a_node_whose_kubelet_is_gone_gives_way() -> None:
    wire, holder = settled("n1", "n2")
    wire.unfit.add(holder)
    wire.run(1)
    assert wire.who_has() == [({"n1", "n2"} - {holder}).pop()]


def test_after_a_partition_one_of_two_holders_gives_way() -> None:
    wire, _ = settled("n1", "n2")
    wire.unheard.add("n1")
    wire.run(5)
    assert wire.who_has() == ["n1", "n2"], "each half has its own"
    wire.unheard.clear()
    wire.run(2)
    assert len(wire.who_has()) == 1


def test_an_address_that_a_stranger_has_is_left_to_him_and_told_of() -> None:
    wire = Wire("n1", "n2")
    wire.stranger = True
    wire.run(5)
    assert wire.who_has() == []
    assert {(move.answers, move.other) for _, move in wire.moves} == {(False, "02:00:00:00:ee:ee")}
    wire.stranger = False
    wire.run(15)
    assert len(wire.who_has()) == 1


def test_an_address_that_a_stranger_takes_is_defended_and_told_of_once() -> None:
    wire, holder = settled("n1", "n2")
    wire.run(5)
    wire.moves.clear()
    wire.broadcast.clear()
    for frame in arp.announcements(IPv4Address(ADDRESS), STRANGER) * 5:
        wire.broadcast += [(wire.now_s, answer) for answer in wire.deliver(frame)]
    wire.run(1)
    assert [(name, move.answers, move.other) for name, move in wire.moves] == [(holder, True, "02:00:00:00:ee:ee")]
    assert len(wire.broadcast) == 2, "both forms, once"
    assert wire.who_has() == [holder]


def test_an_address_that_is_no_longer_wanted_is_not_answered_for() -> None:
    wire, holder = settled("n1", "n2")
    wire.addresses = ()
    wire.run(1)
    assert wire.who_has() == []
    assert (holder, False) in [(name, move.answers) for name, move in wire.moves]
