"""Rules about MutatingAdmissionPolicies and their bindings. Expressions that do not compile are refused when the policy
is written."""

from podlab.admissionregistration.v1 import matching_pb2, mutatingadmissionpolicy_pb2
from podlab.cel.admission.expressions import RequestExpressions
from podlab.kinds.validation import syntax
from podlab.kinds.validation.admission.bindings import check_param_ref
from podlab.kinds.validation.admission.matching import check_conditions, check_expression, check_match_resources
from podlab.kinds.validation.admission.policies import FAILURE_POLICIES, check_param_kind, check_variable
from podlab.kinds.validation.findings import Findings

# Nothing can be made of what is deleted.
_OPERATIONS = ("*", "CONNECT", "CREATE", "UPDATE")
_REINVOCATION_POLICIES = ("IfNeeded", "Never")
_PATCH_TYPES = ("ApplyConfiguration", "JSONPatch")
_RESULTS = {"ApplyConfiguration": "Object", "JSONPatch": "LIST<JSONPatch>"}


def check_policy(found: Findings, policy: mutatingadmissionpolicy_pb2.MutatingAdmissionPolicy) -> None:
    """All of its spec."""
    spec = policy.spec
    if spec.failurePolicy not in FAILURE_POLICIES:
        found.unsupported("spec.failurePolicy", spec.failurePolicy, FAILURE_POLICIES)
    if spec.HasField("paramKind"):
        check_param_kind(found, "spec.paramKind", spec.paramKind)
    if spec.HasField("matchConstraints"):
        check_match_resources(found, "spec.matchConstraints", spec.matchConstraints)
        if not spec.matchConstraints.resourceRules:
            found.required("spec.matchConstraints.resourceRules")
        _check_operations(found, "spec.matchConstraints", spec.matchConstraints)
    else:
        found.required("spec.matchConstraints")
    expressions = RequestExpressions(has_params=spec.HasField("paramKind"))
    check_conditions(found, "spec.matchConditions", spec.matchConditions, expressions.condition)
    for index, variable in enumerate(spec.variables):
        check_variable(found, f"spec.variables[{index}]", variable, expressions)
    if not spec.mutations:
        found.required("spec.mutations", "mutations must contain at least one item")
    for index, mutation in enumerate(spec.mutations):
        _check_mutation(found, f"spec.mutations[{index}]", mutation, expressions)
    found.one_of_required("spec.reinvocationPolicy", spec.reinvocationPolicy, _REINVOCATION_POLICIES)


def check_binding(found: Findings, binding: mutatingadmissionpolicy_pb2.MutatingAdmissionPolicyBinding) -> None:
    """All of its spec."""
    spec = binding.spec
    if spec.policyName:
        found.invalid("spec.policyName", spec.policyName, *syntax.subdomain(spec.policyName))
    else:
        found.required("spec.policyName")
    if spec.HasField("paramRef"):
        check_param_ref(found, "spec.paramRef", spec.paramRef)
    if spec.HasField("matchResources"):
        check_match_resources(found, "spec.matchResources", spec.matchResources)
        _check_operations(found, "spec.matchResources", spec.matchResources)


def _check_operations(found: Findings, field: str, match: matching_pb2.MatchResources) -> None:
    for named in match.resourceRules:
        for operation in named.ruleWithOperations.operations:
            if operation not in _OPERATIONS:
                found.unsupported(f"{field}.resourceRules.operations", operation, _OPERATIONS)


def _check_mutation(
    found: Findings, field: str, mutation: mutatingadmissionpolicy_pb2.Mutation, expressions: RequestExpressions
) -> None:
    chosen = mutation.patchType
    if chosen not in _PATCH_TYPES:
        found.one_of_required(f"{field}.patchType", chosen, _PATCH_TYPES)
        return
    applied = mutation.applyConfiguration if mutation.HasField("applyConfiguration") else None
    patch = mutation.jsonPatch if mutation.HasField("jsonPatch") else None
    for patch_type, name, said in (
        ("ApplyConfiguration", "applyConfiguration", applied),
        ("JSONPatch", "jsonPatch", patch),
    ):
        at = f"{field}.{name}"
        if patch_type != chosen:
            if said is not None:
                found.invalid(at, f"{{{name}}}", f"must not be specified when patchType is {chosen}")
        elif said is None:
            found.required(at, f"must be specified when patchType is {chosen}")
        elif expression := said.expression.strip():
            wanted = (_RESULTS[chosen],)
            check_expression(found, f"{at}.expression", expression, expressions.mutation, wanted)
        else:
            found.required(f"{at}.expression")
