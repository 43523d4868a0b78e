from __future__ import annotations

import pytest
from podlab_testing.cases import Case, cases

from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ValidatingAdmissionPolicy
from podlab.api.kinds import of
from podlab.api.objects import typed
from podlab.api.serializer import codec
from podlab.kinds.defaults.admission import complete_policy
from podlab.kinds.validation.admission.policies import check_policy
from podlab.kinds.validation.findings import Findings


@pytest.mark.parametrize("case", cases(__file__, "policies"))
def test_what_is_wrong_with_a_policy_is_told(case: Case) -> None:
    data = {"metadata": {"name": "p"}, "spec": case["spec"]}
    policy = typed(codec.from_dict(data, of(ValidatingAdmissionPolicy)), ValidatingAdmissionPolicy)
    complete_policy(policy)
    found = Findings()
    check_policy(found, policy)
    assert [str(cause) for cause in found.causes] == case.get("causes", [])
