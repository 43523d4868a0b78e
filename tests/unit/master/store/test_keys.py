import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.store.keys import check_key, interval

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0\U0010ffff")
edge = st.sampled_from("\ud7ff\ue000\U0010fffe/~")
texts = st.text(characters | edge, max_size=4)


@given(prefix=texts, key=texts)
def test_a_key_is_in_the_interval_of_a_prefix_exactly_when_it_starts_with_it(prefix: str, key: str) -> None:
    low, high = interval(prefix)
    assert (low <= key < high) == key.startswith(prefix)


@given(prefix=texts, rest=texts)
def test_every_continuation_of_a_prefix_is_in_its_interval(prefix: str, rest: str) -> None:
    low, high = interval(prefix)
    assert low <= prefix + rest < high
    high.encode()


@given(st.text(characters, min_size=1))
def test_any_ordinary_text_is_a_key(key: str) -> None:
    check_key(key)


@pytest.mark.parametrize("key", ["", "a\0", "\ud800", "\U0010ffff"])
def test_a_key_that_cannot_be_ordered_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        check_key(key)
