"""What authors of admission policies leave out."""

from podlab.admissionregistration.v1 import matching_pb2
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import (
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)


def complete_policy(policy: ValidatingAdmissionPolicy) -> None:
    """A policy that fails refuses."""
    spec = policy.spec
    spec.failurePolicy = spec.failurePolicy or "Fail"
    if spec.HasField("matchConstraints"):
        _complete_match(spec.matchConstraints)


def complete_binding(binding: ValidatingAdmissionPolicyBinding) -> None:
    """What it matches, if it says so."""
    if binding.spec.HasField("matchResources"):
        _complete_match(binding.spec.matchResources)


def _complete_match(match: matching_pb2.MatchResources) -> None:
    match.matchPolicy = match.matchPolicy or "Equivalent"
    match.namespaceSelector.SetInParent()
    match.objectSelector.SetInParent()
    for named in (*match.resourceRules, *match.excludeResourceRules):
        rule = named.ruleWithOperations.rule
        rule.scope = rule.scope or "*"
