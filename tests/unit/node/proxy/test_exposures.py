from hypothesis import given
from hypothesis import strategies as st

from node.proxy.exposures import Delta, Exposures
from node.proxy.frontends import Exposure, Frontend

# Few places and names, so that several Services claim one.
exposures = st.builds(
    lambda name, places, own: (
        ("default", name),
        Exposure(tuple(Frontend(f"default/{name}", at, "tcp", 80, (of,)) for at, of in places.items()), own),
    ),
    st.sampled_from("abc"),
    st.dictionaries(st.sampled_from(["10.96.0.1", "10.96.0.2", ""]), st.sampled_from(["x", "y"])),
    st.frozensets(st.sampled_from(["10.244.0.1", "10.244.0.2"])),
)


@given(st.lists(st.lists(exposures, max_size=3).map(dict), max_size=8))
def test_the_changes_together_lead_to_what_is_known_in_the_end(
    changes: list[dict[tuple[str, str], Exposure]],
) -> None:
    known, at, own = Exposures(), dict[object, Frontend](), set[str]()
    for change in changes:
        delta = known.change(change)
        for gone in delta.gone:
            assert at.pop(gone.place) == gone
        for new in delta.new:
            assert new.place not in at
            at[new.place] = new
        assert delta.gone_own <= own
        own = own - delta.gone_own | delta.new_own
    assert set(known.frontends()) == set(at.values())
    assert set(known.own_endpoints()) == own
    wanted = dict(each for change in changes for each in change.items())
    claims = {frontend.place for exposure in wanted.values() for frontend in exposure.frontends}
    assert at.keys() == claims
    assert all(
        at[place].name == min(each.name for of in wanted.values() for each in of.frontends if each.place == place)
        for place in claims
    )


def test_what_is_as_it_was_changes_nothing() -> None:
    known = Exposures()
    same = {("default", "a"): Exposure((Frontend("default/a", "10.96.0.1", "tcp", 80, ("x",)),))}
    assert known.change(same)
    assert known.change(same) == Delta()
