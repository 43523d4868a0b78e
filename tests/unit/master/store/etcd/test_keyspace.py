"""Keys in etcd sort as the store's keys do, and keep to their prefix."""

from hypothesis import given
from hypothesis import strategies as st

from master.store.etcd.keyspace import Keyspace

SPACE = Keyspace("/podlab")
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\U0010ffff"), min_size=1, max_size=6)


@given(KEYS, KEYS)
def test_order_and_names_are_kept(one: str, other: str) -> None:
    assert (SPACE.encoded(one) < SPACE.encoded(other)) == (one < other)
    assert SPACE.decoded(SPACE.encoded(one)) == one


@given(KEYS | st.just(""), KEYS, KEYS | st.just(""))
def test_an_interval_holds_what_starts_with_the_prefix_and_follows(prefix: str, key: str, after: str) -> None:
    for candidate in (key, prefix + key):
        first, end = SPACE.interval(prefix, after)
        assert (first <= SPACE.encoded(candidate) < end) == (candidate.startswith(prefix) and candidate > after)


def test_the_stores_own_keys_are_in_no_interval() -> None:
    first, end = SPACE.interval("")
    assert not first <= SPACE.mark < end
