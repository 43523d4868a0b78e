"""Is a schema structural? That is what pruning, defaulting and merging need of it.

The schema is a JSONSchemaProps as JSON. Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from podlab.api.values.jsonvalues import Json
from podlab.errors import Cause
from podlab.schemas import causes, patterns

Props = Mapping[str, Json]

_INT_OR_STRING: Final = ({"type": "integer"}, {"type": "string"})
_ROOT, _ITEM, _FIELD = "at the root", "for specified array items", "for specified object fields"
_EMBEDDED, _PRESERVES = "x-kubernetes-embedded-resource", "x-kubernetes-preserve-unknown-fields"
_IS_INT_OR_STRING: Final = "x-kubernetes-int-or-string"

# What a part of a junctor may not say, and what is told of it.
_NOT_IN_JUNCTORS: Final[Mapping[str, str]] = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    _PRESERVES: "must be false to be structural",
    _EMBEDDED: "must be false to be structural",
    _IS_INT_OR_STRING: "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}
_SAID_WHEN_EMPTY: Final = frozenset(("additionalProperties", "x-kubernetes-list-type", "x-kubernetes-map-type"))
# What is known of a schema by its structure: of an object's own metadata none of it may be said.
_WORDLESS: Final = frozenset(("type", "default", "properties", "externalDocs", "example"))


_UNSUPPORTED: Final[Mapping[str, str]] = {
    "id": "id",
    "$schema": "schema",
    "$ref": "$ref",
    "patternProperties": "patternProperties",
    "dependencies": "dependencies",
    "definitions": "definitions",
}


def faults(props: Props, path: str) -> tuple[Cause, ...]:
    """Why it is not structural, sorted. Those of a schema that is an object's."""
    found = [*_structure(props, path, _ROOT), *_completeness(props, props, path, path)]
    return tuple(sorted(found, key=str))


def unsupported(props: Props) -> str:
    """Why no structure can be read off the schema at all; empty where it can be."""
    for name, told in _UNSUPPORTED.items():
        if props.get(name):
            return f"OpenAPIV3Schema '{told}' is not supported"
    if props.get("additionalItems") is not None:
        return "OpenAPIV3Schema 'additionalItems' is not supported"
    if isinstance(props.get("items"), list):
        return "OpenAPIV3Schema 'items' must be a schema, but is an array"
    if props.get(_PRESERVES) is False:
        return f"internal error: '{_PRESERVES}' must be true or undefined"
    return next(filter(None, (unsupported(part) for part in parts(props))), "")


def parts(props: Props) -> Iterator[Props]:
    """The schemas that a schema is made of, those of junctors included."""
    yield from (one for _, one in sorted(props.get("properties", {}).items()))
    for name in ("items", "additionalProperties", "not"):
        if isinstance(props.get(name), Mapping):
            yield props[name]
    for name in ("allOf", "anyOf", "oneOf"):
        yield from props.get(name, ())


def _structure(props: Props, path: str, level: str) -> Iterator[Cause]:
    type_, additional, properties = props.get("type", ""), props.get("additionalProperties"), _properties(props)
    if type_ == "array" and props.get("items") is None:
        yield causes.required(f"{path}.items", "must be specified")
    if isinstance(props.get("items"), Mapping):
        yield from _structure(props["items"], f"{path}.items", _ITEM)
    for name, one in properties.items():
        yield from _structure(one, f"{path}.properties[{name}]", _FIELD)
    if additional is not None and level == _ROOT:
        yield causes.forbidden(f"{path}.additionalProperties", "must not be used at the root")
    if isinstance(additional, Mapping):
        yield from _structure(additional, f"{path}.additionalProperties", _FIELD)
    yield from _extensions(props, path)
    yield from _values(props, path, is_whole=True)
    yield from _type(props, path, level)
    if props.get(_EMBEDDED) and additional is not None:
        yield causes.forbidden(
            f"{path}.additionalProperties", "must not be used if x-kubernetes-embedded-resource is set"
        )
    yield from _object_fields(props, path, level)
    if props.get(_EMBEDDED) and not props.get(_PRESERVES) and not properties:
        without = "without x-kubernetes-preserve-unknown-fields"
        yield causes.required(f"{path}.properties", f"must not be empty if {_EMBEDDED} is true {without}")


def _type(props: Props, path: str, level: str) -> Iterator[Cause]:
    type_ = props.get("type", "")
    if props.get(_EMBEDDED) and type_ != "object":
        detail = f"must be object if {_EMBEDDED} is true"
        where = f"{path}.type"
        yield causes.invalid(where, type_, detail) if type_ else causes.required(where, detail)
    elif not type_ and not props.get(_IS_INT_OR_STRING) and not props.get(_PRESERVES):
        yield causes.required(f"{path}.type", f"must not be empty {level}")
    if level == _ROOT and type_ and type_ != "object":
        yield causes.invalid(f"{path}.type", type_, "must be object at the root")


def _extensions(props: Props, path: str) -> Iterator[Cause]:
    if props.get(_IS_INT_OR_STRING):
        for name in (_PRESERVES, _EMBEDDED):
            if props.get(name):
                yield causes.invalid(f"{path}.{name}", True, f"must be false if {_IS_INT_OR_STRING} is true")


def _object_fields(props: Props, path: str, level: str) -> Iterator[Cause]:
    """apiVersion, kind and metadata, which objects have anyway."""
    properties = _properties(props)
    is_object = level == _ROOT or props.get(_EMBEDDED, False)
    for name in ("kind", "apiVersion"):
        if is_object and name in properties and properties[name].get("type", "") != "string":
            yield causes.invalid(f"{path}.properties[{name}].type", properties[name].get("type", ""), "must be string")
    metadata = properties.get("metadata")
    if metadata is None:
        return
    where = f"{path}.properties[metadata]"
    if is_object and metadata.get("type", "") != "object":
        yield causes.invalid(f"{where}.type", metadata.get("type", ""), "must be object")
    if level == _ROOT:
        said = {
            name for name, value in metadata.items() if name not in _WORDLESS and value not in (None, "", False, [])
        }
        if said or not {"name", "generateName"}.issuperset(_properties(metadata)):
            yield causes.forbidden(
                where,
                "must not specify anything other than name and generateName, but metadata is implicitly specified",
            )


def _values(props: Props, path: str, *, is_whole: bool) -> Iterator[Cause]:
    """What is said of values: junctors, and the pattern. `is_whole` of what is not part of a junctor itself."""
    any_of, all_of = props.get("anyOf", ()), props.get("allOf", ())
    if not (is_whole and _is_int_or_string(any_of)):
        for index, part in enumerate(any_of):
            yield from _part(part, f"{path}.anyOf[{index}]")
    for index, part in enumerate(all_of):
        skips = is_whole and index == 0 and _is_int_or_string(part.get("anyOf", ()))
        yield from _part(part, f"{path}.allOf[{index}]", skips_any_of=skips)
    for index, part in enumerate(props.get("oneOf", ())):
        yield from _part(part, f"{path}.oneOf[{index}]")
    if props.get("not") is not None:
        yield from _part(props["not"], f"{path}.not")
    if (pattern := props.get("pattern")) and (fault := patterns.fault(pattern)):
        yield causes.invalid(f"{path}.pattern", pattern, f"must be a valid regular expression, but isn't: {fault}")


def _is_int_or_string(any_of: Json) -> bool:
    """The one form in which a junctor may name types."""
    return len(any_of) == len(_INT_OR_STRING) and all(map(lambda one, other: one == other, any_of, _INT_OR_STRING))


def _part(props: Props, path: str, *, skips_any_of: bool = False) -> Iterator[Cause]:
    """A part of a junctor, which says nothing of structure."""
    yield from _values({**props, "anyOf": ()} if skips_any_of else props, path, is_whole=False)
    if isinstance(props.get("items"), Mapping):
        yield from _part(props["items"], f"{path}.items")
    for name, one in _properties(props).items():
        yield from _part(one, f"{path}.properties[{name}]")
    for name, detail in _NOT_IN_JUNCTORS.items():
        value = props.get(name)
        if value or (value is not None and (name in _SAID_WHEN_EMPTY or name == "default")):
            yield causes.forbidden(f"{path}.{name}", detail)
    if "metadata" in _properties(props):
        yield causes.forbidden(f"{path}.properties[metadata]", "must not be specified in a nested context")


def _completeness(props: Props, whole: Props, path: str, whole_path: str) -> Iterator[Cause]:
    """What junctors speak of has to be described outside of them, in the schema that they belong to."""
    junctors = [(f"{path}.not", props["not"])] if props.get("not") is not None else []
    for name in ("allOf", "anyOf", "oneOf"):
        junctors += [(f"{path}.{name}[{index}]", part) for index, part in enumerate(props.get(name, ()))]
    for where, part in junctors:
        yield from _is_described(part, whole, where, whole_path)


def _is_described(part: Props, whole: Props | None, path: str, whole_path: str) -> Iterator[Cause]:
    if whole is None:
        yield causes.required(whole_path, f"because it is defined in {path}")
        return
    yield from _completeness(part, whole, path, whole_path)
    if isinstance(part.get("items"), Mapping):
        yield from _is_described(part["items"], whole.get("items"), f"{path}.items", f"{whole_path}.items")
    for name, one in _properties(part).items():
        below, whole_below = f"{path}.properties[{name}]", f"{whole_path}.properties[{name}]"
        yield from _is_described(one, _properties(whole).get(name), below, whole_below)


def _properties(props: Props) -> Mapping[str, Props]:
    properties: Mapping[str, Props] = props.get("properties") or {}
    return properties
