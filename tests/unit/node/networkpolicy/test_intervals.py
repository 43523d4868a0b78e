from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.networkpolicy.intervals import block, merged, within, without

NUMBERS = st.integers(0, 40)
RANGES = st.lists(st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair))), max_size=6)


@given(RANGES, RANGES, NUMBERS)
def test_numbers_are_kept_and_taken_one_by_one(
    given_ranges: list[tuple[int, int]], taken: list[tuple[int, int]], number: int
) -> None:
    kept = any(low <= number <= high for low, high in given_ranges)
    gone = any(low <= number <= high for low, high in taken)
    assert within(number, merged(given_ranges)) is kept
    assert within(number, without(merged(given_ranges), merged(taken))) is (kept and not gone)


@given(RANGES, RANGES)
def test_ranges_stand_in_order_and_apart(given_ranges: list[tuple[int, int]], taken: list[tuple[int, int]]) -> None:
    for found in (merged(given_ranges), without(merged(given_ranges), merged(taken))):
        assert all(before[1] < after[0] for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("cidr", "excepted", "ranges"),
    [
        ("10.0.0.0/30", (), ((0x0A000000, 0x0A000003),)),
        ("10.0.0.1/30", (), ((0x0A000000, 0x0A000003),)),
        ("10.0.0.0/30", ("10.0.0.1/32",), ((0x0A000000, 0x0A000000), (0x0A000002, 0x0A000003))),
        ("0.0.0.0/0", (), ((0, 0xFFFFFFFF),)),
        ("10.0.0.0/30", ("10.0.0.0/31", "10.0.0.2/31"), ()),
        ("2001:db8::/126", ("2001:db8::/127",), (((0x20010DB8 << 96) + 2, (0x20010DB8 << 96) + 3),)),
    ],
)
def test_a_block_is_its_addresses_without_those_left_out(
    cidr: str, excepted: tuple[str, ...], ranges: tuple[tuple[int, int], ...]
) -> None:
    assert block(cidr, excepted) == ranges


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/33"):
        block("10.0.0.0/33", ())
