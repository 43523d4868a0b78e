from hypothesis import given
from hypothesis import strategies as st

from podlab.api.selection import indexes


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_an_overlap_is_an_index_of_both(some: set[int], others: set[int]) -> None:
    parsed = [indexes.parse(",".join(map(str, sorted(part))), 41) for part in (some, others)]
    assert [{index for part in one for index in part} for one in parsed] == [some, others]
    both = indexes.overlap(*parsed)
    assert (both is None) == (not some & others)
    assert both is None or both in some & others


def test_no_text_is_no_index() -> None:
    assert indexes.parse("", 3) == ()


def test_ranges_are_read() -> None:
    assert indexes.parse("0,2-4", 5) == (range(1), range(2, 5))
