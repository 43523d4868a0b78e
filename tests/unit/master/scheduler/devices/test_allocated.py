"""What is taken."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from podlab_testing import allocations


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12))
def test_what_is_taken_is_what_claims_hold_now(steps: list[tuple[int, bool]]) -> None:
    held_by = [
        allocations.given("n1/d0"),
        allocations.given(
            "n1/d0", shareID="0c5a2ea4-9d3c-4e0a-8a5b-000000000000", consumedCapacity={"memory": "1500m"}
        ),
        allocations.given("n1/d0", shareID="0c5a2ea4-9d3c-4e0a-8a5b-000000000001", consumedCapacity={"memory": "2"}),
        allocations.given("n1/d0", adminAccess=True),
    ]
    found, held = allocations.allocated(), set[int]()
    for number, has in steps:
        found.set_claim(f"claim-{number}", held_by[number] if has else None)
        (held.add if has else held.discard)(number)
    device = allocations.DEVICE_0
    assert found.is_exclusively_taken(device) is (0 in held)
    assert found.is_shared(device) is bool(held & {1, 2})
    assert found.is_taken(device) is bool(held & {0, 1, 2})
    used = (1 in held) * 1500 + (2 in held) * 2000
    assert sum(found.capacity_used(device).values()) * 1000 == used
