from __future__ import annotations

import pytest
from podlab_testing.cases import Case, cases

from podlab.schemas.rules.evaluation import evaluate, rule_tree
from podlab.schemas.schema import parse


@pytest.mark.parametrize("case", cases(__file__, "evaluation"))
def test_rules_judge_a_value(case: Case) -> None:
    schema = case["schema"] if "schema" in case else {"type": "object", "properties": {"spec": case["spec"]}}
    tree = rule_tree(parse(schema))
    assert tree is not None
    verdict = evaluate(tree, case["value"], case.get("old"))
    assert [str(cause) for cause in verdict.causes] == case.get("causes", [])
    assert list(verdict.warnings) == case.get("warnings", [])


def test_a_schema_without_rules_has_nothing_to_ask() -> None:
    assert rule_tree(parse({"type": "object", "properties": {"spec": {"type": "object"}}})) is None
