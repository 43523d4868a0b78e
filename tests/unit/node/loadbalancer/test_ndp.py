"""Neighbour discovery as bytes."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from node.loadbalancer import ndp

OWN, CLIENT = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
ADDRESS = IPv6Address("fd00::12:3456")
# As Linux sends it: fd00::1 with MAC 02:00:00:00:00:02 asks for ADDRESS.
QUESTION = bytes.fromhex(
    "3333ff123456 020000000002 86dd"
    "60000000 0020 3a ff fd000000000000000000000000000001 ff0200000000000000000001ff123456"
    "87 00 {checksum} 00000000 fd000000000000000000000000123456 0101 020000000002".format(checksum="5a0c").replace(
        " ", ""
    )
)


def summed(frame: bytes) -> bytes:
    """The frame with the checksum that its ICMPv6 message must have, by RFC 1071 done the plain way."""
    message = frame[54:56] + b"\0\0" + frame[58:]
    data = frame[22:54] + len(message).to_bytes(4) + (58).to_bytes(4) + message
    total = sum(int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))
    total = total % 0xFFFF or 0xFFFF
    return frame[:56] + (0xFFFF - total).to_bytes(2) + frame[58:]


def test_a_question_is_read() -> None:
    said = ndp.parse(summed(QUESTION))
    assert said == ndp.Ndp(ndp.SOLICITATION, CLIENT, IPv6Address("fd00::1"), ADDRESS)


def test_an_answer_goes_to_whoever_asked_and_takes_precedence() -> None:
    said = ndp.parse(summed(QUESTION))
    assert said is not None
    answer = ndp.reply(said, OWN)
    assert answer == summed(answer), "its checksum is right"
    assert answer[:14] == CLIENT + OWN + bytes.fromhex("86dd")
    assert answer[22:54] == ADDRESS.packed + IPv6Address("fd00::1").packed
    assert (answer[21], answer[54], answer[58]) == (255, ndp.ADVERTISEMENT, 0x60)
    assert answer[62:] == ADDRESS.packed + bytes((2, 1)) + OWN


def test_who_has_no_address_yet_is_answered_to_all() -> None:
    probe = ndp.parse(ndp.probe(ADDRESS, CLIENT))
    assert probe == ndp.Ndp(ndp.SOLICITATION, CLIENT, IPv6Address("::"), ADDRESS)
    answer = ndp.reply(probe, OWN)
    assert answer[:6] == bytes.fromhex("333300000001")
    assert (answer[38:54], answer[58]) == (IPv6Address("ff02::1").packed, 0x20)


def test_an_announcement_is_for_all_and_a_probe_for_those_who_may_have_it() -> None:
    told = ndp.parse(ndp.announcement(ADDRESS, OWN))
    assert told == ndp.Ndp(ndp.ADVERTISEMENT, OWN, ADDRESS, ADDRESS)
    assert ndp.probe(ADDRESS, OWN)[:6] == bytes.fromhex("3333ff123456")
    assert ndp.group_of(ADDRESS) == IPv6Address("ff02::1:ff12:3456")


@pytest.mark.parametrize(
    ("at", "value"),
    [(12, 0x08), (14, 0x40), (20, 17), (21, 64), (54, 134), (55, 1), (60, 1)],
    ids=["EtherType", "version", "next header", "hop limit", "type", "code", "checksum"],
)
def test_what_is_no_such_packet_is_none(at: int, value: int) -> None:
    good = bytearray(summed(QUESTION))
    good[at] = value
    assert ndp.parse(bytes(good)) is None
    assert all(ndp.parse(summed(QUESTION)[:length]) is None for length in range(78))
