"""JSON paths that name one field: .spec.replicas, .metadata.labels['app.kubernetes.io/name'].

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-path
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from podlab.schemas.schema import Schema

_TOKEN = re.compile(r"'(?:[^']|(?<=\\)')*'|[.\[\]]|[^.\[\]]+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ENDS = "unexpected end of JSON path"


@dataclass(frozen=True, slots=True)
class FieldPath:
    """The members' names, and the schema of the field."""

    names: tuple[str, ...]
    schema: Schema


def resolve(path: str, schema: Schema, *, brackets: bool = True) -> FieldPath | str:
    """The field that a path names below a value of the schema, or why it names none.

    `brackets` says whether a name may stand in brackets.
    """
    parts = iter(_TOKEN.findall(path))
    names: list[str] = []
    below: Schema | None = schema
    for part in parts:
        name, fault = _name(part, parts, brackets=brackets)
        if not fault:
            below = _member(below, name)
        if fault or below is None:
            return fault or "does not refer to a valid field"
        names.append(name)
    return FieldPath(tuple(names), below or schema)


def _name(part: str, parts: Iterator[str], *, brackets: bool) -> tuple[str, str]:
    """The name that follows a dot or a bracket, and what is wrong."""
    if part not in (".", "["):
        return "", f"expected [ or . but got: {part}"
    if part == "[" and not brackets:
        return "", "array notation is not allowed"
    name = next(parts, None)
    if name is None:
        return "", _ENDS
    if part == ".":
        return name, ""
    if len(name) < len("''") or not name.startswith("'") or not name.endswith("'"):
        return "", f"expected single quoted string but got {name}"
    closing = next(parts, None)
    if closing != "]":
        return "", _ENDS if closing is None else f"expected ] but got {closing}"
    return _ESCAPE.sub(r"\1", name[1:-1]), ""


def _member(schema: Schema | None, name: str) -> Schema | None:
    if schema is None:
        return None
    return schema.properties.get(name) if schema.properties else schema.values
