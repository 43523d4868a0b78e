from __future__ import annotations

import pytest
from podlab_testing.cases import Case, cases

from podlab.schemas.rules.checks import faults
from podlab.schemas.schema import parse


@pytest.mark.parametrize("case", cases(__file__, "checks"))
def test_what_is_wrong_with_rules_is_told(case: Case) -> None:
    assert [str(cause) for cause in faults(parse(case["schema"]), "s")] == case.get("faults", [])
