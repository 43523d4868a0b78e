"""How applied lists, maps and leaves become part of an object."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.api.values.jsonvalues import Json
from podlab.apply.field_set import FieldSet
from podlab.apply.merging import merge
from podlab.apply.path import Path
from podlab.apply.pruning import without
from podlab.shapes.shape import Field, List, ListType, Map, Scalar, ScalarType, Struct

TEXT = Scalar(ScalarType.STRING)
SHAPE = Struct(
    "",
    {
        "set": Field(List(TEXT, ListType.SET)),
        "list": Field(List(TEXT)),
        "map": Field(Map(TEXT)),
        "whole": Field(Struct("", {"a": Field(TEXT), "b": Field(TEXT)}, is_atomic=True)),
        "items": Field(List(Struct("", {"k": Field(TEXT), "v": Field(TEXT)}), ListType.MAP, ("k",))),
        "any": Field(Scalar(ScalarType.ANY)),
    },
)


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [
        ("", "", ""),
        ("abc", "", "abc"),
        ("", "abc", "abc"),
        ("abc", "b", "abc"),
        ("abc", "d", "abcd"),
        ("abc", "db", "adbc"),
        ("abc", "ca", "bca"),
        ("abc", "cba", "cba"),
        ("abcd", "dxa", "bcdxa"),
        ("abc", "xaybzc", "xaybzc"),
        ("ab", "ba", "ba"),
    ],
)
def test_items_of_a_set_stand_in_the_order_in_which_they_are_applied(live: str, applied: str, merged: str) -> None:
    assert merge({"set": [*live]}, {"set": [*applied]}, SHAPE) == {"set": [*merged]}


@given(st.permutations("abcdef"), st.permutations("cdefgh"))
def test_all_items_are_there_once_and_the_applied_ones_in_order(live: list[str], applied: list[str]) -> None:
    merged = merge({"set": live}, {"set": applied}, SHAPE)["set"]
    assert sorted(merged) == [*"abcdefgh"]
    assert [item for item in merged if item in applied] == applied
    others = [item for item in live if item not in applied]
    assert [item for item in merged if item not in applied] == others


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [
        ({"list": ["a"]}, {"list": ["b"]}, {"list": ["b"]}),
        ({"list": ["a"]}, {"list": []}, {"list": []}),
        ({"map": {"a": "1"}}, {"map": {"b": "2"}}, {"map": {"a": "1", "b": "2"}}),
        ({"map": {"a": "1"}}, {"map": {}}, {"map": {"a": "1"}}),
        ({"map": {"a": "1"}}, {"map": None}, {"map": {"a": "1"}}),
        ({"map": {}}, {"map": None}, {"map": None}),
        ({"whole": {"a": "1"}}, {"whole": {"b": "2"}}, {"whole": {"b": "2"}}),
        ({}, {"whole": {"b": "2"}}, {"whole": {"b": "2"}}),
        (
            {"items": [{"k": "a", "v": "1"}, {"k": "b", "v": "2"}]},
            {"items": [{"k": "b", "v": "3"}, {"k": "c"}]},
            {"items": [{"k": "a", "v": "1"}, {"k": "b", "v": "3"}, {"k": "c"}]},
        ),
        (
            {"items": [{"k": "a", "v": "1"}, {"k": "a", "v": "2"}]},
            {"items": [{"k": "a"}]},
            {"items": [{"k": "a"}]},
        ),
        (
            {"any": {"a": {"b": 1}, "l": [1]}},
            {"any": {"a": {"c": 2}, "l": [2]}},
            {"any": {"a": {"b": 1, "c": 2}, "l": [2]}},
        ),
        ({"any": {"a": {"b": 1}}}, {"any": {"a": "x"}}, {"any": {"a": "x"}}),
        ({"any": {"a": "x"}}, {"any": {"a": {"b": 1}}}, {"any": {"a": {"b": 1}}}),
    ],
)
def test_values_are_merged_by_their_shape(live: Json, applied: Json, merged: Json) -> None:
    assert merge(live, applied, SHAPE) == merged


@pytest.mark.parametrize(
    ("value", "paths", "left"),
    [
        ({"map": {"a": "1", "b": "2"}}, [("f:map", "f:a")], {"map": {"b": "2"}}),
        ({"map": {"a": "1"}}, [("f:map", "f:a")], {"map": None}),
        ({"map": {"a": "1"}}, [("f:map",)], {}),
        ({"set": ["a", "b"]}, [("f:set", 'v:"a"')], {"set": ["b"]}),
        ({"items": [{"k": "a", "v": "1"}]}, [("f:items", 'k:{"k":"a"}', "f:v")], {"items": [{"k": "a"}]}),
        ({"items": [{"k": "a", "v": "1"}]}, [("f:items", 'k:{"k":"a"}')], {"items": None}),
        ({"whole": {"a": "1"}}, [("f:whole", "f:a")], {"whole": None}),
        ({"list": ["a"]}, [("f:other",)], {"list": ["a"]}),
    ],
)
def test_fields_are_taken_out(value: Json, paths: list[Path], left: Json) -> None:
    assert without(value, FieldSet.of(*paths), SHAPE) == left
