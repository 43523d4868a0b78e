"""What is told of values that are not what their schema says: the cases are in cases/validation.yaml."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.cases import Case, cases

from podlab.schemas.schema import parse
from podlab.schemas.validation import NOTHING, validate


def object_schema(case: Case) -> dict[str, Any]:
    spec = {"type": "object", "properties": {"x": case.get("schema")}}
    return case.get("root") or {"type": "object", "properties": {"spec": spec}}


def placed(case: Case, name: str) -> Any:
    return case[name] if "root" in case else {"spec": {"x": case[name], "changes": name}}


@pytest.mark.parametrize("case", cases(__file__, "validation"))
def test_causes_are_those_of_kubernetes(case: Case) -> None:
    old = placed(case, "old") if "old" in case else NOTHING
    found = validate(parse(object_schema(case)), placed(case, "value"), old)
    assert [str(cause) for cause in found] == case.get("causes", [])


def test_paths_stand_below_the_base() -> None:
    schema = parse({"type": "object", "properties": {"a": {"type": "string"}}})
    (member,) = validate(schema, {"a": 1}, base="spec.default")
    (whole,) = validate(schema, 1, base="spec.default")
    assert (member.field, whole.field) == ("spec.default.a", "spec.default")


def test_a_cause_tells_what_sort_of_fault_it_is() -> None:
    schema = parse({"type": "object", "required": ["a"], "maxProperties": 3, "properties": {"a": {"enum": ["x"]}}})
    reasons = [validate(schema, value)[0].reason for value in ({}, {"a": "y"}, [], dict.fromkeys("abcd"))]
    expected = ["FieldValueRequired", "FieldValueNotSupported", "FieldValueTypeInvalid", "FieldValueTooMany"]
    assert reasons == expected
