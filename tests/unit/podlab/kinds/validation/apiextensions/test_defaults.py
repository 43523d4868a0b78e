"""Defaults of fields that all objects have, where an object is embedded: cases/definitions.yaml has the others."""

from __future__ import annotations

from typing import Any

from podlab.kinds.validation.apiextensions import defaults
from podlab.schemas.schema import parse


def faults(metadata: dict[str, Any]) -> list[str]:
    properties = {"metadata": {"type": "object", "properties": metadata}}
    embedded = {"type": "object", "x-kubernetes-embedded-resource": True, "properties": properties}
    schema = parse({"type": "object", "properties": {"o": embedded}})
    return [str(cause) for cause in defaults.faults(schema, "s")]


def test_defaults_that_make_metadata_are_right() -> None:
    assert (
        faults({"labels": {"type": "object", "default": {"a": "b"}}, "name": {"type": "string", "default": "x"}}) == []
    )


def test_others_are_not() -> None:
    (told,) = faults({"labels": {"type": "object", "default": {"a b": "c"}}})
    where = "s.properties[o].properties[metadata].properties[labels].default"
    assert told.startswith(f'{where}: Invalid value: {{"a b":"c"}}: must result in valid metadata: metadata.labels: ')


def test_neither_are_those_of_items() -> None:
    (told,) = faults({"finalizers": {"type": "array", "items": {"type": "string", "default": "a b"}}})
    assert told.startswith("s.properties[o].properties[metadata].properties[finalizers].items.default: Invalid value: ")
