"""Objects inside others are objects."""

from __future__ import annotations

import pytest

from podlab.api.values.jsonvalues import Json
from podlab.kinds.validation.apiextensions import embedded
from podlab.schemas.schema import parse

OBJECT = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
LIST = {"type": "array", "items": OBJECT}
SCHEMA = parse(
    {"type": "object", "properties": {"l": LIST, "m": {"type": "object", "additionalProperties": OBJECT}, "s": OBJECT}}
)
VALID = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"s": VALID, "l": [VALID], "m": {"k": VALID}}, []),
        ({"s": {"apiVersion": "v1", "kind": "Pod"}}, []),
        ({"s": {**VALID, "metadata": {}}}, []),
        ({"s": {}}, ["s.apiVersion: Required value", "s.kind: Required value"]),
        ({"l": [VALID, {**VALID, "kind": ""}]}, ["l[1].kind: Required value"]),
        ({"m": {"k": {**VALID, "kind": 1}}}, ["m[k].kind: Invalid value: 1: must be a string"]),
        (
            {"s": {**VALID, "apiVersion": "a/b/c"}},
            ['s.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'],
        ),
        (
            {"s": VALID | {"metadata": {"name": "a/b"}}},
            ["s.metadata.name: Invalid value: \"a/b\": may not contain '/'"],
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_place(value: Json, told: list[str]) -> None:
    assert [str(cause) for cause in embedded.faults(SCHEMA, value)] == told


def test_a_kind_is_a_name_and_metadata_have_types() -> None:
    found = list(embedded.faults(SCHEMA, {"s": {**VALID, "kind": "A_b", "metadata": {"name": 1}}}))
    assert [cause.field for cause in found] == ["s.kind", "s.metadata"]
    assert "may have mixed case, but should otherwise match: " in found[0].message
