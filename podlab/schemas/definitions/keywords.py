"""What a schema may say, keyword by keyword: the rules of CustomResourceDefinitions beyond structure.

The schema is a JSONSchemaProps as JSON. Source: https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/
custom-resource-definition-v1/#JSONSchemaProps
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from podlab.api.values.jsonvalues import Json
from podlab.errors import Cause
from podlab.schemas import causes, fieldpaths
from podlab.schemas.definitions.structural import Props, unsupported
from podlab.schemas.pruning import OBJECT_FIELDS
from podlab.schemas.schema import parse

_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_LIST_TYPES, _MAP_TYPES = ("atomic", "set", "map"), ("atomic", "granular")
_REASONS: Final = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_NOT_SUPPORTED: Final = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_LIST_TYPE, _MAP_TYPE, _MAP_KEYS = "x-kubernetes-list-type", "x-kubernetes-map-type", "x-kubernetes-list-map-keys"
_RULES: Final = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part stands: in an object's own fields, and why it may have no default (empty where it may)."""

    is_root: bool = False
    is_in_object_fields: bool = False
    no_defaults: str = ""


def faults(props: Props, path: str) -> Iterator[Cause]:
    """What an object's schema says and may not."""
    return _faults(props, path, _Place(is_root=True))


def _faults(props: Props, path: str, place: _Place) -> Iterator[Cause]:
    yield from _own(props, path, place)
    yield from _below(props, path, place)
    if props.get("x-kubernetes-preserve-unknown-fields") is False:
        yield causes.invalid(f"{path}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined")
    yield from _map_type(props, path)
    yield from _list_type(props, path)
    yield from _map_keys(props, path)
    for index, rule in enumerate(props.get(_RULES, ())):
        yield from _rule(rule, props, f"{path}.{_RULES}[{index}]")


def _own(props: Props, path: str, place: _Place) -> Iterator[Cause]:
    type_ = props.get("type", "")
    if type_ and type_ not in _TYPES:
        yield causes.unsupported(f"{path}.type", type_, _TYPES)
    if props.get("default") is not None and place.no_defaults:
        yield causes.forbidden(f"{path}.default", f"must not be set {place.no_defaults}")
    for name in _NOT_SUPPORTED:
        if props.get(name):
            yield causes.forbidden(f"{path}.{name}", f"{name} is not supported")
    if type_ == "null":
        yield causes.forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    if isinstance(props.get("items"), list):
        yield causes.forbidden(f"{path}.items", "items must be a schema object and not an array")
    if place.is_in_object_fields and props.get("x-kubernetes-embedded-resource"):
        yield causes.forbidden(f"{path}.x-kubernetes-embedded-resource", "must not be used inside of resource meta")
    if props.get("uniqueItems"):
        yield causes.forbidden(
            f"{path}.uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        )
    if props.get("additionalProperties", True) is not True and props.get("properties"):
        yield causes.forbidden(
            f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive"
        )


def _below(props: Props, path: str, place: _Place) -> Iterator[Cause]:
    inner = replace(place, is_root=False)
    if isinstance(additional := props.get("additionalProperties"), Mapping):
        in_metadata = "inside additionalProperties applying to object metadata"
        values = replace(inner, no_defaults=in_metadata) if place.is_in_object_fields else inner
        yield from _faults(additional, f"{path}.additionalProperties", values)
    is_object = place.is_root or props.get("x-kubernetes-embedded-resource", False)
    for name, one in sorted(props.get("properties", {}).items()):
        member = inner
        if is_object and name in OBJECT_FIELDS:
            no_defaults = f"in top-level {name}" if place.is_root else inner.no_defaults
            member = replace(inner, is_in_object_fields=True, no_defaults=no_defaults)
        yield from _faults(one, f"{path}.properties[{name}]", member)
    if props.get("not") is not None:
        yield from _faults(props["not"], f"{path}.not", inner)
    for junctor in ("allOf", "oneOf", "anyOf"):
        for index, part in enumerate(props.get(junctor, ())):
            yield from _faults(part, f"{path}.{junctor}[{index}]", inner)
    if isinstance(items := props.get("items"), Mapping):
        yield from _faults(items, f"{path}.items", inner)


def _map_type(props: Props, path: str) -> Iterator[Cause]:
    if (map_type := props.get(_MAP_TYPE)) is None:
        return
    yield from _is_type(props, path, "object", _MAP_TYPE)
    if map_type not in _MAP_TYPES:
        yield causes.unsupported(f"{path}.{_MAP_TYPE}", map_type, _MAP_TYPES)


def _list_type(props: Props, path: str) -> Iterator[Cause]:
    if (list_type := props.get(_LIST_TYPE)) is None:
        return
    wrong = list(_is_type(props, path, "array", _LIST_TYPE))
    yield from wrong
    items = props.get("items")
    if not wrong and list_type == "set" and isinstance(items, Mapping):
        detail = "must be atomic as item of a list with x-kubernetes-list-type=set"
        inner = items.get(_LIST_TYPE)
        if items.get("type") == "array" and (inner or "atomic") != "atomic":
            yield causes.invalid(f"{path}.items.{_LIST_TYPE}", inner, detail)
        if items.get("type") == "object" and items.get(_MAP_TYPE) != "atomic":
            yield causes.invalid(f"{path}.items.{_MAP_TYPE}", inner, detail)
    if list_type not in _LIST_TYPES:
        yield causes.unsupported(f"{path}.{_LIST_TYPE}", list_type, _LIST_TYPES)


def _is_type(props: Props, path: str, wanted: str, keyword: str) -> Iterator[Cause]:
    type_, detail = props.get("type", ""), f"must be {wanted} if {keyword} is specified"
    if type_ != wanted:
        where = f"{path}.type"
        yield causes.invalid(where, type_, detail) if type_ else causes.required(where, detail)


def _map_keys(props: Props, path: str) -> Iterator[Cause]:
    keys, list_type, items = props.get(_MAP_KEYS, []), props.get(_LIST_TYPE), props.get("items")
    if keys and list_type != "map":
        where, detail = f"{path}.{_LIST_TYPE}", f"must be map if {_MAP_KEYS} is non-empty"
        yield causes.required(where, detail) if list_type is None else causes.invalid(where, list_type, detail)
    if list_type == "map":
        if not keys:
            yield causes.required(f"{path}.{_MAP_KEYS}", f"must not be empty if {_LIST_TYPE} is map")
        if items is None:
            yield causes.required(f"{path}.items", f"must have a schema if {_LIST_TYPE} is map")
        elif isinstance(items, list):
            yield causes.invalid(f"{path}.items", items, f"must only have a single schema if {_LIST_TYPE} is map")
        elif items.get("type", "") != "object":
            detail = f"must be object if parent array's {_LIST_TYPE} is map"
            yield causes.invalid(f"{path}.items.type", items.get("type", ""), detail)
        else:
            yield from _named_keys(keys, items, path)
    if isinstance(items, Mapping) and list_type in ("map", "set"):
        yield from _told_apart(keys if list_type == "map" else (), items, f"{path}.items", str(list_type))


def _named_keys(keys: list[str], items: Props, path: str) -> Iterator[Cause]:
    for index, key in enumerate(keys):
        known = items.get("properties", {}).get(key)
        if known is None:
            yield causes.invalid(f"{path}.{_MAP_KEYS}", keys, "entries must all be names of item properties")
        elif known.get("type") in ("array", "object"):
            detail = f"must be a scalar type if parent array's {_LIST_TYPE} is map"
            yield causes.invalid(f"{path}.items.properties[{key}].type", "object", detail)
        if key in keys[:index]:
            yield causes.invalid(f"{path}.{_MAP_KEYS}", keys, "must not contain duplicate entries")


def _told_apart(keys: list[str] | tuple[()], items: Props, path: str, list_type: str) -> Iterator[Cause]:
    """Items that are told apart are never null, and always have their keys."""
    if items.get("nullable"):
        yield causes.forbidden(f"{path}.nullable", f"cannot be nullable when {_LIST_TYPE} is {list_type}")
    for key in keys:
        known, where = items.get("properties", {}).get(key), f"{path}.properties[{key}]"
        if known is None:
            continue
        why = f"this property is in {_MAP_KEYS}, so it"
        if key not in items.get("required", ()) and known.get("default") is None:
            yield causes.required(f"{where}.default", f"{why} must have a default or be a required property")
        if known.get("nullable"):
            yield causes.forbidden(f"{where}.nullable", f"{why} cannot be nullable")


def _rule(rule: Mapping[str, Json], props: Props, path: str) -> Iterator[Cause]:
    """A rule in CEL, but for its expressions."""
    text, message = rule.get("rule", "").strip(), rule.get("message", "")
    if not text:
        yield causes.required(f"{path}.rule", "rule is not specified")
    elif message and not message.strip():
        yield causes.invalid(f"{path}.message", message, "message must be non-empty if specified")
    elif _has_lines(message.strip()):
        yield causes.invalid(f"{path}.message", message, "message must not contain line breaks")
    elif _has_lines(text) and not message.strip():
        yield causes.required(f"{path}.message", "message must be specified if rule contains line breaks")
    if (expression := rule.get("messageExpression", "")) and not expression.strip():
        yield causes.required(f"{path}.messageExpression", "messageExpression must be non-empty if specified")
    if (reason := rule.get("reason")) is not None and reason not in _REASONS:
        yield causes.unsupported(f"{path}.reason", reason, _REASONS)
    if field_path := rule.get("fieldPath", ""):
        yield from _field_path(field_path, props, f"{path}.fieldPath")


def _field_path(field_path: str, props: Props, path: str) -> Iterator[Cause]:
    if not field_path.strip():
        yield causes.invalid(path, field_path, "fieldPath must be non-empty if specified")
    if _has_lines(field_path):
        yield causes.invalid(path, field_path, "fieldPath must not contain line breaks")
    if not unsupported(props) and isinstance(fieldpaths.resolve(field_path, parse(props)), str):
        yield causes.invalid(path, field_path, "fieldPath must be a valid path")


def _has_lines(text: str) -> bool:
    return "\n" in text or "\r" in text
