"""Defaults and nulls: the cases are in cases/defaulting.yaml."""

from __future__ import annotations

import pytest
from podlab_testing.cases import Case, cases

from podlab.schemas.defaulting import drop_nulls, set_defaults
from podlab.schemas.schema import parse


@pytest.mark.parametrize("case", cases(__file__, "defaulting"))
def test_what_becomes_of_a_value(case: Case) -> None:
    value, schema = case["value"], parse(case["schema"])
    set_defaults(value, schema)
    drop_nulls(value, schema)
    assert value == case["becomes"]


def test_a_default_is_copied_for_each_object() -> None:
    schema = parse({"properties": {"a": {"default": {"b": [1]}}}})
    one: dict[str, dict[str, list[int]]] = {}
    other: dict[str, dict[str, list[int]]] = {}
    set_defaults(one, schema)
    set_defaults(other, schema)
    one["a"]["b"].append(2)
    assert other == {"a": {"b": [1]}}
