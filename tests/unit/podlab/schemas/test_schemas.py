"""What holds for all schemas and values, whatever they are."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from podlab.schemas.arrival import arrive
from podlab.schemas.defaulting import drop_nulls, set_defaults
from podlab.schemas.definitions import keywords, structural
from podlab.schemas.pruning import prune
from podlab.schemas.schema import parse
from podlab.schemas.shapes import shape_of
from podlab.schemas.validation import validate

NAMES = st.sampled_from("abcd")
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from(["", "a", "b", "abc"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
PRESERVES = {"x-kubernetes-preserve-unknown-fields": True}


def scalar_schemas() -> st.SearchStrategy[dict[str, Any]]:
    nullable = st.just({}) | st.just({"nullable": True})
    kinds = st.sampled_from(
        [
            {"type": "string"},
            {"type": "string", "maxLength": 2, "default": "a"},
            {"type": "string", "pattern": "^a"},
            {"type": "string", "enum": ["a", "b"], "default": "b"},
            {"type": "string", "format": "ipv4"},
            {"type": "integer", "minimum": 0, "default": 1},
            {"type": "number", "multipleOf": 0.5},
            {"type": "boolean", "default": False},
            {"x-kubernetes-int-or-string": True},
            PRESERVES,
        ]
    )
    return st.builds(lambda one, other: {**one, **other}, kinds, nullable)


def containers(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(NAMES, inner, max_size=3)
    required = st.lists(NAMES, max_size=2, unique=True)
    objects = st.builds(lambda p, r: {"type": "object", "properties": p, "required": r}, properties, required)
    junctor = st.sampled_from(["allOf", "anyOf", "oneOf"])
    parts = st.lists(st.sampled_from([{"required": ["a"]}, {"required": ["b"]}, {"minProperties": 1}]), min_size=1)
    chosen = st.builds(lambda one, name, some: {**one, name: some}, objects, junctor, parts)
    maps = st.builds(lambda one: {"type": "object", "additionalProperties": one}, inner)
    lists = st.builds(lambda one: {"type": "array", "items": one}, inner)
    open_objects = st.builds(lambda one: {**one, **PRESERVES}, objects)
    return objects | chosen | maps | lists | open_objects


SCHEMAS = st.dictionaries(NAMES, st.recursive(scalar_schemas(), containers, max_leaves=6), max_size=4).map(
    lambda properties: {"type": "object", "properties": properties}
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


@given(SCHEMAS, OBJECTS, OBJECTS)
def test_no_schema_and_no_value_breaks_anything(
    props: dict[str, Any], value: dict[str, Any], old: dict[str, Any]
) -> None:
    assert structural.faults(props, "s") == ()
    assert list(keywords.faults(props, "s")) == []
    schema = parse(props)
    shape_of(schema)
    validate(schema, value, old)
    arrive(value, schema)
    validate(schema, value)


@given(SCHEMAS, OBJECTS)
def test_what_was_pruned_is_not_pruned_again(props: dict[str, Any], value: dict[str, Any]) -> None:
    schema = parse(props)
    prune(value, schema)
    once = copy.deepcopy(value)
    assert prune(value, schema) == []
    assert value == once


@given(SCHEMAS, OBJECTS)
def test_what_has_its_defaults_gets_no_others(props: dict[str, Any], value: dict[str, Any]) -> None:
    schema = parse(props)
    set_defaults(value, schema)
    once = copy.deepcopy(value)
    set_defaults(value, schema)
    assert value == once


@given(SCHEMAS, OBJECTS)
def test_what_has_arrived_arrives_as_it_is(props: dict[str, Any], value: dict[str, Any]) -> None:
    schema = parse(props)
    arrive(value, schema)
    once = copy.deepcopy(value)
    assert arrive(value, schema) == []
    assert value == once


@given(SCHEMAS, OBJECTS)
def test_pruning_drops_what_validation_does_not_ask_for(props: dict[str, Any], value: dict[str, Any]) -> None:
    schema = parse(props)
    if not validate(schema, value) and "minProperties" not in str(props):
        prune(value, schema)
        assert validate(schema, value) == ()


@given(SCHEMAS, OBJECTS)
def test_nothing_has_to_be_right_that_has_not_changed(props: dict[str, Any], value: dict[str, Any]) -> None:
    assert validate(parse(props), value, copy.deepcopy(value)) == ()


@given(SCHEMAS, OBJECTS)
def test_a_valid_value_stays_valid_with_its_defaults(props: dict[str, Any], value: dict[str, Any]) -> None:
    schema = parse(props)
    drop_nulls(value, schema)
    before = validate(schema, value)
    set_defaults(value, schema)
    if not before and not any(word in str(props) for word in ("oneOf", "anyOf")):
        assert validate(schema, value) == ()


@given(SCHEMAS)
def test_parts_that_are_alike_are_shared(props: dict[str, Any]) -> None:
    one, other = parse(props), parse(copy.deepcopy(props))
    leaves = ("items", "properties", "additionalProperties", "allOf", "anyOf", "oneOf", "not")
    for name, part in props["properties"].items():
        assert (one.properties[name] is other.properties[name]) == all(leaf not in part for leaf in leaves)
