"""Sets of fields: the laws of sets, and what differs for fields that hold others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.apply.field_set import EMPTY, FieldSet
from podlab.apply.path import Path
from podlab.shapes.shape import Field, Map, Scalar, ScalarType, Struct

STEPS = st.sampled_from(("f:a", "f:b", 'k:{"name":"a"}', 'k:{"name":"b","port":1}', "v:1", 'v:"x"', "i:0"))
PATHS = st.lists(STEPS, min_size=1, max_size=4).map(tuple)
SETS = st.lists(PATHS, max_size=8).map(lambda paths: FieldSet.of(*paths))


@given(SETS, SETS, SETS)
def test_union_and_intersection_are_those_of_sets(one: FieldSet, other: FieldSet, third: FieldSet) -> None:
    assert set(one | other) == set(one) | set(other)
    assert set(one & other) == set(one) & set(other)
    assert one | other == other | one
    assert (one | other) | third == one | (other | third)
    assert one & (other | third) == (one & other) | (one & third)


@given(SETS, SETS)
def test_a_difference_is_that_of_sets_and_leaves_what_is_below(one: FieldSet, other: FieldSet) -> None:
    assert set(one - other) == set(one) - set(other)
    assert (one - other) | (one & other) == one


@given(SETS, SETS)
def test_without_takes_what_is_below_too(one: FieldSet, other: FieldSet) -> None:
    def is_at_or_below(path: Path) -> bool:
        return any(path[: len(root)] == root for root in other)

    assert set(one.without(other)) == {path for path in one if not is_at_or_below(path)}


@given(SETS)
def test_a_set_is_made_of_its_paths_and_holds_them(one: FieldSet) -> None:
    assert FieldSet.of(*one) == one
    assert all(path in one for path in one)
    assert bool(one) == bool(list(one))


@given(SETS)
def test_nothing_is_lost_or_won_by_the_empty_set(one: FieldSet) -> None:
    assert one | EMPTY == one == one - EMPTY == EMPTY | one
    assert one & EMPTY == EMPTY == one - one == EMPTY - one


@pytest.mark.parametrize("path", [(), ("f:a",), ("f:a", "f:c"), ("f:x", "f:b")])
def test_what_is_not_in_a_set_is_not_found(path: Path) -> None:
    assert path not in FieldSet.of(("f:a", "f:b"))


def test_declared_members_that_lead_to_a_field_are_added_and_entries_of_maps_are_not() -> None:
    text = Scalar(ScalarType.STRING)
    labels = Field(Map(text))
    shape = Struct("", {"metadata": Field(Struct("", {"labels": labels}))})
    whole = FieldSet.of(("f:metadata", "f:labels", "f:app"), ("f:other", "f:b")).with_declared(shape)
    assert whole == FieldSet.of(
        ("f:metadata",), ("f:metadata", "f:labels"), ("f:metadata", "f:labels", "f:app"), ("f:other", "f:b")
    )
