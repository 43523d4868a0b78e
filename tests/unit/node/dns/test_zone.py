from hypothesis import given
from hypothesis import strategies as st

from node.dns.record import Record, Records
from node.dns.zone import Zone

A, B = frozenset({Record("A", "10.0.0.1")}), frozenset({Record("A", "10.0.0.2")})
PUT = st.tuples(
    st.sampled_from(["s1", "s2", "s3"]),
    st.dictionaries(st.sampled_from("uvwx"), st.sampled_from([frozenset(), A, B]), max_size=3),
)


def test_a_name_of_two_objects_has_the_records_of_both_and_outlives_one() -> None:
    zone = Zone()
    assert zone.put("s1", {"p": A}) == {"p"}
    assert zone.put("s2", {"p": B}) == {"p"}
    assert zone.at("p") == A | B
    assert zone.put("s1", {}) == {"p"}
    assert zone.at("p") == B
    assert zone.origins("p") == {"s2": B}


def test_what_is_the_same_touches_no_name() -> None:
    zone = Zone()
    zone.put("s1", {"p": A, "q": frozenset()})
    assert zone.put("s1", {"p": A, "q": frozenset()}) == set()
    assert zone.put("s2", {"q": frozenset()}) == set()
    assert zone.put("nobody", {}) == set()


@given(st.lists(PUT))
def test_touched_names_are_all_that_a_follower_needs(puts: list[tuple[str, Records]]) -> None:
    zone, follower, whole = Zone(), dict[str, frozenset[Record]](), dict[str, Records]()
    for origin, records in puts:
        whole[origin] = records
        for name in zone.put(origin, records):
            found = zone.at(name)
            if found is None:
                del follower[name]
            else:
                follower[name] = found
    wanted: dict[str, frozenset[Record]] = {}
    for records in whole.values():
        for name, each in records.items():
            wanted[name] = wanted.get(name, frozenset()) | each
    assert follower == wanted
    assert set(zone.names()) == wanted.keys()
