from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from podlab.cel.times import format_instant, format_span, parse_instant, parse_span
from podlab.cel.values import Instant, Span


@given(st.integers(-62135596800 * 10**9, 253402300800 * 10**9 - 1))
def test_a_timestamp_that_was_written_is_read_as_the_same(nanoseconds: int) -> None:
    assert parse_instant(format_instant(Instant(nanoseconds))) == Instant(nanoseconds)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_duration_that_was_written_is_read_as_the_same(nanoseconds: int) -> None:
    assert parse_span(format_span(Span(nanoseconds))) == Span(nanoseconds)
