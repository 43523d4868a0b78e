"""Metadata of objects inside others."""

from __future__ import annotations

from typing import Any

import pytest

from podlab.errors import BadRequest
from podlab.schemas.embedded import coerce
from podlab.schemas.schema import parse

EMBEDDED = {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
SCHEMA = parse({"type": "object", "properties": {"l": {"type": "array", "items": EMBEDDED}}})


def listed(**embedded: Any) -> dict[str, Any]:
    return {"l": [embedded]}


def test_what_metadata_do_not_know_is_dropped_and_told() -> None:
    value = listed(metadata={"name": "x", "foo": 1, "ownerReferences": [{"name": "y", "bar": 2}]}, spec={"foo": 1})
    assert coerce(value, SCHEMA) == ["l[0].metadata.foo", "l[0].metadata.ownerReferences[0].bar"]
    assert value["l"][0]["metadata"]["name"] == "x"
    assert "foo" not in value["l"][0]["metadata"]
    assert value["l"][0]["spec"] == {"foo": 1}


def test_objects_of_their_own_are_not_looked_at() -> None:
    value = {"metadata": {"foo": 1}, "l": []}
    assert coerce(value, SCHEMA) == []
    assert value == {"metadata": {"foo": 1}, "l": []}


@pytest.mark.parametrize(
    ("embedded", "told"),
    [
        ({"apiVersion": 1}, "l[0].apiVersion: Invalid value: 1: must be a string"),
        ({"kind": None}, 'l[0].kind: Invalid value: "null": must be a string'),
        (
            {"metadata": {"name": 1}},
            'l[0].metadata: Invalid value: {"name":1}: name: expected a string, found number 1',
        ),
    ],
)
def test_wrong_types_are_refused(embedded: dict[str, Any], told: str) -> None:
    with pytest.raises(BadRequest) as refused:
        coerce(listed(**embedded), SCHEMA)
    assert refused.value.message.startswith(told)
