"""A structural schema, compact: what prunes, defaults and validates values, without the words for people.

Schemas never change. Parts that have no parts of their own are shared between all schemas, since most are alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from sys import intern
from types import MappingProxyType
from typing import Final
from weakref import WeakValueDictionary

import orjson

from podlab.api.values.jsonvalues import Json
from podlab.schemas import formats

CONTAINERS: Final = frozenset((dict, list))
"""The types of values that have parts. (To look one up is three times faster than `isinstance`.)"""

Fitting = Mapping[type, int]
"""By the type of Python that a value has: how much of it fits, as Kubernetes counts that. Others do not fit."""

# Each value is asked about its type, about junctors, enum and as a whole; the others are asked as well.
_ANY: Final[Fitting] = {bool: 4, int: 6, float: 6, str: 5, list: 6, dict: 5}
_TYPED: Final[Fitting] = {kind: count + 2 for kind, count in _ANY.items()}
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
_OF_TYPE: Final[Mapping[str, Fitting]] = {
    "": _ANY,
    **{name: {kind: _TYPED[kind] for kind in kinds} for name, kinds in _KINDS.items()},
}
_OF_INT_OR_STRING: Final[Fitting] = {int: _TYPED[int], str: _TYPED[str]}
_NO_PROPERTIES: Final[Mapping[str, Schema]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class ValueValidation:
    """What a value has to be beyond its type. None and empty ones ask for nothing.

    `format` is one that is checked for the type: others are ignored, as Kubernetes does.
    """

    format: str = ""
    pattern: str = ""
    min_length: int | None = None
    max_length: int | None = None
    minimum: float | None = None
    exclusive_minimum: bool = False
    maximum: float | None = None
    exclusive_maximum: bool = False
    multiple_of: float | None = None
    min_items: int | None = None
    max_items: int | None = None
    min_properties: int | None = None
    max_properties: int | None = None
    required: tuple[str, ...] = ()
    enum: tuple[Json, ...] = ()
    all_of: tuple[Schema, ...] = ()
    any_of: tuple[Schema, ...] = ()
    one_of: tuple[Schema, ...] = ()
    negated: Schema | None = None
    has_junctors: bool = False


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Schema:
    """What a value is.

    `type` is empty where it is not said: of an int-or-string, of what preserves unknown fields, and of the parts of a
    junctor (`all_of` ...). `additional` says whether an object may have members that `properties` does not name, and
    `values` what these are; None where nothing is said. `default` is None where there is none. `rules` are those in CEL
    (x-kubernetes-validations), as JSON. Three say what is found here or below, so that walks pass by what has nothing
    for them: `has_defaults`, `has_keyed_lists`, `has_embedded`.
    """

    type: str = ""
    properties: Mapping[str, Schema] = field(default_factory=lambda: _NO_PROPERTIES)
    additional: bool | None = None
    values: Schema | None = None
    items: Schema | None = None
    default: Json = None
    nullable: bool = False
    int_or_string: bool = False
    preserves_unknown: bool = False
    embedded: bool = False
    list_type: str = ""
    map_keys: tuple[str, ...] = ()
    map_type: str = ""
    rules: tuple[Mapping[str, Json], ...] = ()
    validation: ValueValidation | None = None
    fitting: Fitting = field(default_factory=lambda: _ANY)
    has_defaults: bool = False
    has_keyed_lists: bool = False
    has_embedded: bool = False

    @property
    def types(self) -> tuple[str, ...]:
        """The types that a value may have; none where all may be."""
        if self.int_or_string:
            return ("integer", "string")
        return (self.type,) if self.type else ()


ANYTHING: Final = Schema()
"""Says nothing of a value."""

_shared: WeakValueDictionary[bytes, Schema] = WeakValueDictionary()
"""Schemas without parts, by their JSON."""

_PARTS: Final = frozenset(
    ("properties", "additionalProperties", "items", "allOf", "anyOf", "oneOf", "not", "x-kubernetes-validations")
)
_WORDS: Final = frozenset(("description", "title", "example", "externalDocs", "id", "$schema"))


def parse(props: Mapping[str, Json]) -> Schema:
    """The schema that a JSONSchemaProps means, as JSON. It is one that the API took: its members have their types.

    Properties are sorted: messages have them in any order.
    """
    if not _PARTS.isdisjoint(props):
        return _parsed(props)
    key = orjson.dumps({name: props[name] for name in sorted(props) if name not in _WORDS})
    schema = _shared.get(key)
    if schema is None:
        schema = _shared[key] = _parsed(props)
    return schema


def _parsed(props: Mapping[str, Json]) -> Schema:
    properties = {intern(name): parse(one) for name, one in sorted(props.get("properties", {}).items())}
    additional = props.get("additionalProperties")
    values = parse(additional) if isinstance(additional, Mapping) else None
    items = parse(props["items"]) if isinstance(props.get("items"), Mapping) else None
    int_or_string = props.get("x-kubernetes-int-or-string", False)
    type_, list_type = props.get("type", ""), props.get("x-kubernetes-list-type", "")
    embedded = props.get("x-kubernetes-embedded-resource", False)
    validation = _validation(props)
    below = [*properties.values(), *(one for one in (values, items) if one is not None)]
    return Schema(
        type=intern(type_),
        properties=properties or _NO_PROPERTIES,
        additional=True if values is not None else additional,
        values=values,
        items=items,
        default=props.get("default"),
        nullable=props.get("nullable", False),
        int_or_string=int_or_string,
        preserves_unknown=props.get("x-kubernetes-preserve-unknown-fields", False),
        embedded=embedded,
        list_type=intern(list_type),
        map_keys=tuple(props.get("x-kubernetes-list-map-keys", ())),
        map_type=intern(props.get("x-kubernetes-map-type", "")),
        rules=tuple(props.get("x-kubernetes-validations", ())),
        validation=validation,
        fitting=_fitting(type_, int_or_string, has_format=validation is not None and bool(validation.format)),
        has_defaults=props.get("default") is not None or any(one.has_defaults for one in below),
        has_keyed_lists=list_type in ("set", "map") or any(one.has_keyed_lists for one in below),
        has_embedded=embedded or any(one.has_embedded for one in below),
    )


def _fitting(type_: str, int_or_string: bool, *, has_format: bool) -> Fitting:
    """A format without a type is one of strings. Nothing fits a type that does not exist."""
    if int_or_string:
        return _OF_INT_OR_STRING
    return _OF_TYPE["string"] if has_format and not type_ else _OF_TYPE.get(type_, {})


_LIMITS: Final[Mapping[str, str]] = {
    "pattern": "pattern",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minimum": "minimum",
    "exclusiveMinimum": "exclusive_minimum",
    "maximum": "maximum",
    "exclusiveMaximum": "exclusive_maximum",
    "multipleOf": "multiple_of",
    "minItems": "min_items",
    "maxItems": "max_items",
    "minProperties": "min_properties",
    "maxProperties": "max_properties",
}
"""Keywords of a value's bounds, and what they are called here."""


_JUNCTORS: Final = frozenset(("all_of", "any_of", "one_of", "negated"))


def _validation(props: Mapping[str, Json]) -> ValueValidation | None:
    """None where nothing is asked."""
    said: dict[str, Json] = {ours: props[name] for name, ours in _LIMITS.items() if props.get(name) not in (None, "")}
    int_or_string = props.get("x-kubernetes-int-or-string", False)
    if format_ := formats.checked(props.get("format", ""), "" if int_or_string else props.get("type", "")):
        said["format"] = format_
    if required := props.get("required"):
        said["required"] = tuple(intern(name) for name in required)
    if enum := props.get("enum"):
        said["enum"] = tuple(enum)
    for name, ours in (("allOf", "all_of"), ("anyOf", "any_of"), ("oneOf", "one_of")):
        if parts := props.get(name):
            said[ours] = _all(parts)
    if (negated := props.get("not")) is not None:
        said["negated"] = parse(negated)
    said["has_junctors"] = not _JUNCTORS.isdisjoint(said)
    return ValueValidation(**said) if len(said) > 1 else None


def _all(parts: Sequence[Mapping[str, Json]]) -> tuple[Schema, ...]:
    return tuple(parse(part) for part in parts)
