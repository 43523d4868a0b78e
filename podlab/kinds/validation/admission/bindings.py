"""Rules about ValidatingAdmissionPolicyBindings."""

from collections.abc import Sequence

from podlab.admissionregistration.v1 import validatingadmissionpolicy_pb2 as policy_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.admission.matching import check_match_resources
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_selector

_ACTIONS = ("Audit", "Deny", "Warn")
_NOT_FOUND_ACTIONS = ("Deny", "Allow")
_EXCLUSIVE = "name and selector are mutually exclusive"


def check_binding(found: Findings, binding: policy_pb2.ValidatingAdmissionPolicyBinding) -> None:
    """All of its spec."""
    spec = binding.spec
    if spec.policyName:
        found.invalid("spec.policyName", spec.policyName, *syntax.subdomain(spec.policyName))
    else:
        found.required("spec.policyName")
    if spec.HasField("paramRef"):
        check_param_ref(found, "spec.paramRef", spec.paramRef)
    if spec.HasField("matchResources"):
        check_match_resources(found, "spec.matchResouces", spec.matchResources)  # Kubernetes writes it so
    _check_actions(found, "spec.validationActions", spec.validationActions)


def check_param_ref(found: Findings, field: str, reference: policy_pb2.ParamRef) -> None:
    """A name or a selector, and what to do when there is nothing."""
    selects = reference.HasField("selector")
    if reference.name:
        found.invalid(f"{field}.name", reference.name, *syntax.path_segment(reference.name))
    if reference.name and selects:
        found.forbidden(f"{field}.name", _EXCLUSIVE)
    if selects:
        check_selector(found, f"{field}.selector", reference.selector)
    if reference.name and selects:
        found.forbidden(f"{field}.selector", _EXCLUSIVE)
    if not reference.name and not selects:
        found.required(field, "one of name or selector must be specified")
    action = reference.parameterNotFoundAction
    if not action:
        found.required(f"{field}.parameterNotFoundAction")
    elif action not in _NOT_FOUND_ACTIONS:
        found.unsupported(f"{field}.parameterNotFoundAction", action, _NOT_FOUND_ACTIONS)


def _check_actions(found: Findings, field: str, actions: Sequence[str]) -> None:
    for index, action in enumerate(actions):
        if action not in _ACTIONS:
            found.unsupported(f"{field}[{index}]", action, _ACTIONS)
        if action in actions[:index]:
            found.duplicate(f"{field}[{index}]", action)
    if "Deny" in actions and "Warn" in actions:
        why = "repeating the same validation failure information in the API response and headers serves no purpose"
        found.invalid(field, list(actions), f"must not contain both Deny and Warn ({why})")
    if not actions:
        found.required(field, "at least one validation action is required")
