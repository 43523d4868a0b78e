"""Places for endpoints: which commands move HAProxy from what it has to what is wanted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.ingress.slots import NOWHERE, Slot, commands, count, read

A, B, C = ("10.0.0.1", 80), ("10.0.0.2", 80), ("10.0.0.3", 80)
STATE = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_port
3 shop:web:80 1 s1 10.0.0.1 2 0 1 80
3 shop:web:80 2 s2 127.0.0.1 0 5 1 1

"""


def test_what_haproxy_says_of_its_places_is_read() -> None:
    assert read(STATE) == {"shop:web:80": [Slot("s1", A, live=True), Slot("s2", NOWHERE, live=False)]}
    assert read("") == {}


def test_a_new_endpoint_takes_an_empty_place_and_one_that_goes_leaves_its_own() -> None:
    present = {"b": [Slot("s1", A, live=True), Slot("s2", NOWHERE, live=False)]}
    assert list(commands(present, {"b": [B]})) == [
        "set server b/s2 addr 10.0.0.2 port 80",
        "set server b/s2 state ready",
        "set server b/s1 state maint",
    ]


def test_what_is_as_wanted_is_left_alone() -> None:
    present = {"b": [Slot("s1", A, live=True), Slot("s2", B, live=True)]}
    assert list(commands(present, {"b": [B, A]})) == []
    assert list(commands(present, {"other": [C]})) == []


def test_there_is_room_for_all_and_never_less_than_before() -> None:
    assert [count(endpoints, 0) for endpoints in (0, 4, 5, 9)] == [4, 4, 8, 16]
    assert count(1, 16) == 16


ADDRESSES = st.sampled_from([("10.0.0.1", 80), ("10.0.0.2", 80), ("10.0.0.3", 80), ("10.0.0.4", 80), ("10.0.0.5", 80)])


@given(
    places=st.lists(st.tuples(ADDRESSES, st.booleans()), min_size=5, max_size=8),
    wanted=st.sets(ADDRESSES),
)
def test_after_the_commands_just_the_wanted_endpoints_are_live(
    places: list[tuple[tuple[str, int], bool]], wanted: set[tuple[str, int]]
) -> None:
    slots = {f"s{index}": [address, live] for index, (address, live) in enumerate(places)}
    present = [Slot(name, address, live) for name, (address, live) in zip(slots, places, strict=True)]
    for command in commands({"b": present}, {"b": wanted}):
        _, _, at, what, value, *more = command.split()
        slot = slots[at.partition("/")[2]]
        if what == "addr":
            slot[0] = (value, int(more[1]))
        else:
            slot[1] = value == "ready"
    assert sorted(address for address, live in slots.values() if live) == sorted(wanted)
