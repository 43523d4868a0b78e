from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.cases import Case, cases

from podlab.schemas.rules import estimates
from podlab.schemas.schema import parse

RULES = "x-kubernetes-validations"
HINT = (
    " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
    "declared)"
)


def schema(spec: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": {"type": "object", **spec}}}


@pytest.mark.parametrize("case", cases(__file__, "estimates"))
def test_rules_that_may_cost_too_much_are_told(case: Case) -> None:
    found = list(estimates.faults(parse(schema(case["spec"])), "schema"))
    told = [f"{one.field}: {one.message}".replace(RULES, "RULES", 1).replace(HINT, " HINT") for one in found]
    assert told == case.get("told", [])
    assert {one.reason for one in found} <= {"FieldValueForbidden"}
