"""What becomes of an object on its way in."""

from __future__ import annotations

from typing import Any

from podlab.schemas.arrival import arrive
from podlab.schemas.schema import parse

EMBEDDED = {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}}
SPEC = {
    "type": "object",
    "default": {},
    "properties": {
        "mode": {"type": "string", "default": "a"},
        "note": {"type": "string"},
        "pod": EMBEDDED,
        "raw": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
SCHEMA = parse({"type": "object", "properties": {"spec": SPEC}})


def test_defaults_are_set_before_others_are_dropped() -> None:
    value: dict[str, Any] = {"apiVersion": "example.com/v1", "kind": "Tab", "metadata": {"name": "x"}, "other": 1}
    assert arrive(value, SCHEMA) == ["other"]
    assert value == {
        "apiVersion": "example.com/v1",
        "kind": "Tab",
        "metadata": {"name": "x"},
        "spec": {"mode": "a"},
    }


def test_all_that_is_dropped_is_told() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "y", "color": "red"}, "spec": {"a": 1}}
    value: dict[str, Any] = {"spec": {"note": None, "mode": None, "pod": pod}}
    assert arrive(value, SCHEMA) == ["spec.pod.spec.a", "spec.pod.metadata.color"]
    assert value["spec"] == {
        "mode": "a",
        "pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "y"}, "spec": {}},
    }


def test_what_nobody_describes_may_be_as_deep_as_it_likes() -> None:
    deep: Any = None
    for _ in range(5_000):
        deep = {"a": deep}
    assert arrive({"spec": {"raw": deep}}, SCHEMA) == []
