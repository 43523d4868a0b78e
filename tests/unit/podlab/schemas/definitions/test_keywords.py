"""What schemas may say: the cases are in cases/keywords.yaml."""

from __future__ import annotations

import pytest
from podlab_testing.cases import Case, cases

from podlab.schemas.definitions import keywords


@pytest.mark.parametrize("case", cases(__file__, "keywords"))
def test_faults_are_told_as_kubernetes_does(case: Case) -> None:
    assert [str(cause) for cause in keywords.faults(case["schema"], "s")] == case.get("faults", [])
