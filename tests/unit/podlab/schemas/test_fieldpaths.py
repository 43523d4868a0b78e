"""JSON paths that name one field of a schema."""

from __future__ import annotations

import pytest

from podlab.schemas.fieldpaths import FieldPath, resolve
from podlab.schemas.schema import parse

LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
SCHEMA = parse(
    {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"a.b": {"type": "integer"}, "c": {"type": "boolean"}}},
            "labels": LABELS,
        },
    }
)


@pytest.mark.parametrize(
    ("path", "names", "type_"),
    [
        (".spec.c", ("spec", "c"), "boolean"),
        (".spec['a.b']", ("spec", "a.b"), "integer"),
        ("['spec']['c']", ("spec", "c"), "boolean"),
        (".labels.x", ("labels", "x"), "string"),
        (r".labels['it\'s']", ("labels", "it's"), "string"),
        ("", (), "object"),
    ],
)
def test_a_path_names_a_field(path: str, names: tuple[str, ...], type_: str) -> None:
    found = resolve(path, SCHEMA)
    assert isinstance(found, FieldPath)
    assert (found.names, found.schema.type) == (names, type_)


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("spec", "expected [ or . but got: spec"),
        (".", "unexpected end of JSON path"),
        (".spec.", "unexpected end of JSON path"),
        (".spec[", "unexpected end of JSON path"),
        (".spec[0]", "expected single quoted string but got 0"),
        (".spec['c'", "unexpected end of JSON path"),
        (".spec['c'x", "expected ] but got x"),
        (".spec.missing", "does not refer to a valid field"),
        (".spec.c.d", "does not refer to a valid field"),
    ],
)
def test_what_is_wrong_with_a_path_is_told(path: str, fault: str) -> None:
    assert resolve(path, SCHEMA) == fault


def test_brackets_may_not_be_allowed() -> None:
    assert resolve(".spec['c']", SCHEMA, brackets=False) == "array notation is not allowed"
