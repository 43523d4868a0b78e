from __future__ import annotations

import pytest
from podlab_testing.cases import Case, cases

from master.apiserver.admission.rules.policies.validations import CompiledPolicy
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ValidatingAdmissionPolicy
from podlab.api.kinds import of
from podlab.api.serializer import codec
from podlab.cel.libraries.authorization import AuthorizerDecision, AuthorizerValue, Check, ResourceCheck


def decide(check: Check) -> AuthorizerDecision:
    """Getting is allowed."""
    return AuthorizerDecision(check.verb == "get", ":".join(check.account or ()))


@pytest.mark.parametrize("case", cases(__file__, "validations"))
def test_a_policy_judges_a_request(case: Case) -> None:
    data = {"metadata": {"name": "p"}, "spec": case["spec"]}
    policy = codec.from_dict(data, of(ValidatingAdmissionPolicy))
    assert isinstance(policy, ValidatingAdmissionPolicy)
    verdict = CompiledPolicy(policy).ask(
        {
            "object": case.get("object"),
            "oldObject": case.get("oldObject"),
            "params": case.get("params"),
            "request": {"userInfo": {"username": "joe", "groups": ["a", "b"]}},
            "namespaceObject": {"metadata": {"name": "n", "labels": {"env": "prod"}}},
            "authorizer": AuthorizerValue(decide),
            "authorizer.requestResource": ResourceCheck(decide, Check(resource="pods")),
        }
    )
    assert [f"{one.index} {one.reason}: {one.message}" for one in verdict.failures] == case.get("failures", [])
    assert dict(verdict.annotations or {}) == case.get("annotations", {})
    assert verdict.refusal == case.get("refusal", "")
