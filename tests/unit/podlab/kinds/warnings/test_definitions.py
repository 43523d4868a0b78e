"""What authors of CustomResourceDefinitions are warned of."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message
from podlab_testing import builtin_kinds

from podlab.api.serializer import codec
from podlab.kinds.apiextensions.customresourcedefinition import RESOURCE


def definition(**properties: dict[str, Any]) -> Message:
    schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
    names = {"plural": "tabs", "kind": "Tab"}
    spec = {"group": "example.com", "scope": "Cluster", "names": names, "versions": versions}
    return codec.from_dict({"metadata": {"name": "tabs.example.com"}, "spec": spec}, RESOURCE.kind)


def test_an_author_learns_of_formats_that_nobody_checks() -> None:
    new = definition(
        a={"type": "string", "format": "colour"},
        b={"type": "array", "items": {"type": "integer", "format": "int16"}},
        c={"type": "string", "format": "colour"},
        d={"type": "string", "format": "date-time"},
    )
    assert builtin_kinds.warnings_of(new, None) == ['unrecognized format "colour"', 'unrecognized format "int16"']


def test_what_was_there_before_is_not_told_again() -> None:
    old = definition(a={"type": "string", "format": "colour"})
    new = definition(a={"type": "string", "format": "colour"}, b={"type": "string", "format": "smell"})
    assert builtin_kinds.warnings_of(new, old) == ['unrecognized format "smell"']
