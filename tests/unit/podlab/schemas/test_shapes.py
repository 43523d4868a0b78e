"""The shape that is read off a schema."""

from __future__ import annotations

from typing import Any

from podlab.schemas.schema import parse
from podlab.schemas.shapes import shape_of
from podlab.shapes.shape import Field, List, ListType, Map, Scalar, ScalarType, Shape, Struct


def field(**schema: Any) -> Field:
    return shape_of(parse({"type": "object", "properties": {"x": schema}})).fields["x"]


def shape(**schema: Any) -> Shape:
    return field(**schema).shape


def test_an_object_has_what_all_objects_have() -> None:
    fields = shape_of(parse({"type": "object"})).fields
    assert fields["apiVersion"].shape == Scalar(ScalarType.STRING)
    metadata = fields["metadata"].shape
    assert isinstance(metadata, Struct)
    assert "finalizers" in metadata.fields


def test_scalars_have_their_types() -> None:
    assert shape(type="string", enum=["a", "b"]) == Scalar(ScalarType.STRING, values=("a", "b"))
    assert shape(type="integer") == Scalar(ScalarType.INT64)
    assert shape(type="number") == Scalar(ScalarType.DOUBLE)
    assert shape(type="boolean") == Scalar(ScalarType.BOOLEAN)
    assert shape(**{"x-kubernetes-int-or-string": True}) == Scalar(ScalarType.INT_OR_STRING)
    assert shape(**{"x-kubernetes-preserve-unknown-fields": True}) == Scalar(ScalarType.ANY)


def test_a_list_is_atomic_unless_it_says_otherwise() -> None:
    plain = shape(type="array", items={"type": "string"})
    assert isinstance(plain, List)
    assert plain.type is ListType.ATOMIC
    keyed = shape(
        type="array",
        items={"type": "object", "properties": {"k": {"type": "string", "default": "d"}}},
        **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]},
    )
    assert isinstance(keyed, List)
    assert (keyed.type, keyed.keys) == (ListType.MAP, ("k",))
    assert isinstance(keyed.item, Struct)
    assert keyed.item.fields["k"].default == "d"


def test_objects_are_structs_or_maps() -> None:
    assert isinstance(shape(type="object", properties={"a": {"type": "string"}}), Struct)
    values = shape(type="object", additionalProperties={"type": "integer"})
    assert isinstance(values, Map)
    assert values.value == Scalar(ScalarType.INT64)
    assert isinstance(shape(type="object", additionalProperties=True), Map)


def test_an_atomic_object_is_owned_as_a_whole() -> None:
    for schema in ({"properties": {"a": {"type": "string"}}}, {"additionalProperties": {"type": "string"}}, {}):
        found = shape(type="object", **schema, **{"x-kubernetes-map-type": "atomic"})
        assert isinstance(found, Struct)
        assert found.is_atomic


def test_an_embedded_object_has_metadata() -> None:
    embedded = shape(
        type="object", **{"x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    )
    assert isinstance(embedded, Struct)
    assert isinstance(embedded.fields["metadata"].shape, Struct)


def test_what_is_required_is_told() -> None:
    found = shape_of(parse({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}))
    assert found.fields["a"].required
