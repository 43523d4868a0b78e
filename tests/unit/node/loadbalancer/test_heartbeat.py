"""ARP packets and heartbeats as bytes: `arp` and `heartbeat`."""

import hashlib
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise

import pytest

from node.loadbalancer import arp, heartbeat
from node.loadbalancer.heartbeat import Heartbeat

OWN, CLIENT = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
ADDRESS, THEIRS = IPv4Address("192.0.2.200"), IPv4Address("192.0.2.1")
MARKS = heartbeat.cluster_marks(b"a CA")
MARK = MARKS[0]


def test_an_answer_is_what_rfc_826_says() -> None:
    question = arp.Arp(arp.REQUEST, CLIENT, THEIRS, arp.NOBODY, ADDRESS)
    assert arp.reply(question, OWN) == bytes.fromhex(
        "020000000002 020000000001 0806 0001 0800 06 04 0002 020000000001 c00002c8 020000000002 c0000201"
    )


def test_announcements_say_the_address_of_sender_and_target() -> None:
    parsed = [arp.parse(frame) for frame in arp.announcements(ADDRESS, OWN)]
    assert [(each.operation, each.sender_mac, each.sender, each.target) for each in parsed if each] == [
        (arp.REQUEST, OWN, ADDRESS, ADDRESS),
        (arp.REPLY, OWN, ADDRESS, ADDRESS),
    ]


def test_a_probe_does_not_say_that_the_address_is_ours() -> None:
    parsed = arp.parse(arp.probe(ADDRESS, OWN))
    assert parsed == arp.Arp(arp.REQUEST, OWN, IPv4Address(0), arp.NOBODY, ADDRESS)


@pytest.mark.parametrize(
    "frame", [b"", arp.probe(ADDRESS, OWN)[:-1], b"\0" * 60, arp.probe(ADDRESS, OWN)[:14] + b"\0" * 28]
)
def test_what_is_no_arp_is_none(frame: bytes) -> None:
    assert arp.parse(frame) is None


@pytest.mark.parametrize("count", [0, 1, 256, 257, 1000])
def test_a_heartbeat_arrives_whole_in_frames_that_fit(count: int) -> None:
    holds = frozenset(str(IPv4Address(0x0A000000 + number)) for number in range(0, count, 2))
    holds |= {str(IPv6Address((0xFD00 << 112) + number)) for number in range(1, count, 2)}
    frames = list(heartbeat.frames(Heartbeat("n" * 253, decided=True, fit=False, holds=holds), MARK, OWN))
    found = [heartbeat.parse(frame + b"\0" * 20, MARKS) for frame in frames]  # short frames are padded
    said = [each[1] for each in found if each]
    assert all(len(frame) <= 1514 for frame in frames)
    assert frozenset().union(*(each.holds for each in said)) == holds
    assert {(each.node, each.decided, each.fit, each.parts) for each in said} == {("n" * 253, True, False, len(frames))}
    assert [each.part for each in said] == [*range(len(frames))]


def test_another_cluster_and_noise_are_not_heard() -> None:
    (frame,) = heartbeat.frames(Heartbeat("n1", decided=True, fit=True, holds=frozenset({"10.0.0.1"})), MARK, OWN)
    assert heartbeat.parse(frame, heartbeat.cluster_marks(b"another CA")) is None
    assert all(heartbeat.parse(frame[:length], MARKS) is None for length in range(len(frame) - 2))


def test_while_a_new_authority_takes_the_place_of_the_old_one_nodes_of_all_three_steps_know_each_other() -> None:
    old, new = (f"-----BEGIN CERTIFICATE-----\n{each}\n-----END CERTIFICATE-----\n".encode() for each in "ab")
    steps = [heartbeat.cluster_marks(each) for each in (old, old + new, new + old, new)]
    beat = Heartbeat("n1", decided=True, fit=True, holds=frozenset())
    for one, next_one in pairwise(steps):
        for sender, hearer in ((one, next_one), (next_one, one)):
            (frame,) = heartbeat.frames(beat, sender[0], OWN)
            assert heartbeat.parse(frame, hearer) is not None
    assert steps[0] == (hashlib.sha256(old).digest()[:8],)  # as earlier releases have it


def test_a_heartbeat_of_an_earlier_release_ends_before_addresses_of_ipv6() -> None:
    (frame,) = heartbeat.frames(Heartbeat("n1", decided=True, fit=True, holds=frozenset({"10.0.0.1"})), MARK, OWN)
    for rest in (b"", b"\0", b"\0" * 20):
        said = heartbeat.parse(frame[:-2] + rest, MARKS)
        assert said is not None
        assert said[1].holds == {"10.0.0.1"}
