"""What is dropped of objects: the cases are in cases/pruning.yaml."""

from __future__ import annotations

import pytest
from podlab_testing.cases import Case, cases

from podlab.schemas.pruning import prune
from podlab.schemas.schema import parse


@pytest.mark.parametrize("case", cases(__file__, "pruning"))
def test_what_is_left_and_what_is_told(case: Case) -> None:
    value = case["value"]
    dropped = prune(value, parse(case["schema"]), root=case.get("root", True))
    assert (value, dropped) == (case["left"], case.get("dropped", []))
