from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.cases import Case, cases

from podlab.schemas.rules import estimates
from podlab.schemas.schema import parse

COSTS = yaml.safe_load((Path(__file__).parent / "cases" / "costs.yaml").read_text())
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


@pytest.mark.parametrize("case", COSTS, ids=lambda case: f"{case['rule']} of {case['self']}")
def test_a_rule_may_cost_what_it_may_cost_in_kubernetes(case: Case) -> None:
    own = {**case["self"], RULES: [{"rule": case["rule"]}]}
    ((cost, _, _),) = estimates.costs(parse({"type": "object", "properties": {"part": own}}), "schema")
    assert cost == case["costs"]
