from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.dns.message import NOERROR, Found, question, read
from node.dns.record import Record, data_to_wire, name_to_wire

HEADER = b"\x12\x34\x85\x80\0\1\0\1\0\0\0\0"
ASKED = name_to_wire("web.a") + b"\0\x21\0\1"


def reply(record: Record, kind: int) -> bytes:
    data = data_to_wire(record)
    return HEADER + ASKED + b"\xc0\x0c" + kind.to_bytes(2) + b"\0\1\0\0\0\5" + len(data).to_bytes(2) + data


def test_a_question_has_its_number_name_and_type() -> None:
    assert question(0x1234, "web.a", "A") == b"\x12\x34\1\0\0\1\0\0\0\0\0\0\3web\1a\0\0\1\0\1"
    assert question(1, "a", "A", edns=1232).endswith(b"\0\0\x29\x04\xd0\0\0\0\0\0\0")


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (Record("A", "10.0.0.1"), 1),
        (Record("AAAA", "fd00::1"), 28),
        (Record("CNAME", "b.c"), 5),
        (Record("TXT", "1.1.0"), 16),
        (Record("SRV", "0 100 80 b.c"), 33),
        (Record("SOA", "a b 1 2 3 4 5"), 6),
    ],
)
def test_what_a_reply_says_is_read(record: Record, kind: int) -> None:
    found = read(reply(record, kind))
    assert (found.rcode, found.authoritative, found.truncated) == (NOERROR, True, False)
    assert found.sections[0] == (Found("web.a", record, 5),)


def test_a_name_that_refers_to_itself_is_no_message() -> None:
    with pytest.raises(ValueError, match="no DNS message"):
        read(b"\0" * 4 + b"\0\1" + b"\0" * 6 + b"\xc0\x0c\0\1\0\1")


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(ValueError):
        read(data)


@given(st.binary(max_size=60))
def test_any_bytes_after_a_header_are_read_or_refused(data: bytes) -> None:
    with suppress(ValueError):
        read(HEADER + data)
