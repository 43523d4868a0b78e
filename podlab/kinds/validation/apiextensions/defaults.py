"""Defaults in a schema: they say nothing that the schema does not know, and fit it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

from podlab.api.values.jsonvalues import Json
from podlab.errors import BadRequest, Cause
from podlab.kinds.validation.apiextensions import embedded
from podlab.schemas import causes
from podlab.schemas.embedded import coerce
from podlab.schemas.pruning import OBJECT_FIELDS, prune
from podlab.schemas.schema import Schema
from podlab.schemas.validation import validate

Surrounding = Callable[[Json], dict[str, Json]]
"""An object in which a value stands at its place."""


def faults(schema: Schema, path: str) -> Iterator[Cause]:
    """What is wrong with the defaults below a structural schema. An object's own fields have none."""
    yield from _members(schema, path, None)


def _below(schema: Schema, path: str, around: Surrounding | None) -> Iterator[Cause]:
    """`around` is given where the schema is of a field that all objects have, or below one."""
    if not schema.has_defaults:
        return
    if schema.default is not None:
        where = f"{path}.default"
        yield from _own(schema, where) if around is None else _in_object(schema, where, around)
    if schema.items is not None:
        yield from _below(schema.items, f"{path}.items", around and _as_item(around))
    yield from _members(schema, path, None if schema.embedded else around)


def _members(schema: Schema, path: str, around: Surrounding | None) -> Iterator[Cause]:
    for name, one in schema.properties.items():
        place = _as_member(_object, name) if schema.embedded and name in OBJECT_FIELDS else None
        yield from _below(one, f"{path}.properties[{name}]", place or (around and _as_member(around, name)))


def _own(schema: Schema, path: str) -> Iterator[Cause]:
    value = deepcopy(schema.default)
    if prune(value, schema, root=schema.embedded):
        yield causes.invalid(path, schema.default, "must not have unknown fields")
    fault = _coerced(deepcopy(schema.default), schema)
    found = (
        (causes.invalid(path, schema.default, fault),)
        if fault
        else tuple(embedded.faults(schema, schema.default, path))
    )
    yield from found or validate(schema, schema.default, base=path)


def _in_object(schema: Schema, path: str, around: Surrounding) -> Iterator[Cause]:
    """A default among metadata: with it they have to be metadata."""
    whole = Schema(embedded=True, has_embedded=True)
    value = around(deepcopy(schema.default))
    fault = _coerced(value, whole) or "; ".join(str(cause) for cause in embedded.faults(whole, value, ""))
    if fault:
        yield causes.invalid(path, schema.default, f"must result in valid metadata: {fault}")
    else:
        yield from validate(schema, schema.default, base=path)


def _coerced(value: Json, schema: Schema) -> str:
    """Why embedded objects are none; empty when nothing is wrong."""
    try:
        coerce(value, schema)
    except BadRequest as error:
        return error.message
    return ""


def _object(members: Json) -> dict[str, Json]:
    return {"apiVersion": "validation/v1", "kind": "Validation", **members}


def _as_member(around: Surrounding, name: str) -> Surrounding:
    return lambda value: around({name: value})


def _as_item(around: Surrounding) -> Surrounding:
    return lambda value: around([value])
