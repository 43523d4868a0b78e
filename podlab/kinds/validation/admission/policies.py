"""Rules about ValidatingAdmissionPolicies. Expressions that do not compile are refused when the policy is written."""

import re

from podlab.admissionregistration.v1 import validatingadmissionpolicy_pb2 as policy_pb2
from podlab.cel.admission.expressions import RequestExpressions
from podlab.cel.escaping import is_identifier
from podlab.cel.values import CompileError
from podlab.kinds.validation import syntax
from podlab.kinds.validation.admission.matching import check_conditions, check_expression, check_match_resources
from podlab.kinds.validation.findings import Findings

FAILURE_POLICIES = ("Fail", "Ignore")
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_MOST_ANNOTATIONS = 20
_MOST_VALUE_BYTES = 5 * 1024
_LINE_BREAK = re.compile(r"[\n\r]")


def check_policy(found: Findings, policy: policy_pb2.ValidatingAdmissionPolicy) -> None:
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
    else:
        found.required("spec.matchConstraints")
    expressions = RequestExpressions(has_params=spec.HasField("paramKind"))
    check_conditions(found, "spec.matchConditions", spec.matchConditions, expressions.condition)
    for index, variable in enumerate(spec.variables):
        check_variable(found, f"spec.variables[{index}]", variable, expressions)
    if not spec.validations and not spec.auditAnnotations:
        for name in ("validations", "auditAnnotations"):
            found.required(f"spec.{name}", "validations or auditAnnotations must contain at least one item")
    for index, validation in enumerate(spec.validations):
        _check_validation(found, f"spec.validations[{index}]", validation, expressions)
    _check_annotations(found, policy, expressions)


def check_status(found: Findings, policy: policy_pb2.ValidatingAdmissionPolicy) -> None:
    """Each warning says of what and why."""
    for index, warning in enumerate(policy.status.typeChecking.expressionWarnings):
        at = f"status.typeChecking.expressionWarnings[{index}]"
        for name, value in (("warning", warning.warning), ("fieldRef", warning.fieldRef.strip())):
            if not value:
                found.required(f"{at}.{name}")


def check_param_kind(found: Findings, field: str, kind: policy_pb2.ParamKind) -> None:
    """A group's version and the name of a kind there."""
    group, slash, version = kind.apiVersion.rpartition("/")
    if not kind.apiVersion:
        found.required(f"{field}.apiVersion")
    elif "/" in group:
        found.invalid(f"{field}.apiVersion", kind.apiVersion, f"unexpected GroupVersion string: {kind.apiVersion}")
    else:
        if slash and group:
            found.invalid(f"{field}.apiVersion", group, *syntax.subdomain(group))
        if version:
            found.invalid(f"{field}.apiVersion", version, *syntax.label_1035(version))
        else:
            found.invalid(f"{field}.apiVersion", kind.apiVersion, "version must be specified")
    if not kind.kind:
        found.required(f"{field}.kind")
    elif faults := syntax.label_1035(kind.kind.lower()):
        told = f"may have mixed case, but should otherwise match: {','.join(faults)}"
        found.invalid(f"{field}.kind", kind.kind, told)


def check_variable(found: Findings, field: str, variable: policy_pb2.Variable, expressions: RequestExpressions) -> None:
    """A name and an expression; what follows may use it."""
    if not variable.name.strip():
        found.required(f"{field}.name", "name is not specified")
    elif not is_identifier(variable.name):
        found.invalid(f"{field}.name", variable.name, "name is not a valid CEL identifier")
    if not variable.expression.strip():
        found.required(f"{field}.expression", "expression is not specified")
        return
    if not is_identifier(variable.name):
        return
    try:
        expressions.define(variable.name, variable.expression)
    except CompileError as e:
        expressions.forget(variable.name)
        found.invalid(f"{field}.expression", variable.expression, f"compilation failed: {e}")


def _check_validation(
    found: Findings, field: str, validation: policy_pb2.Validation, expressions: RequestExpressions
) -> None:
    if validation.expression.strip():
        check_expression(found, f"{field}.expression", validation.expression, expressions.expression, ("BOOL",))
    else:
        found.required(f"{field}.expression", "expression is not specified")
    told = validation.messageExpression
    if told.strip():
        check_expression(found, f"{field}.messageExpression", told, expressions.message, ("STRING",))
    elif told:
        found.invalid(f"{field}.messageExpression", told, "must be non-empty if specified")
    message = validation.message.strip()
    if validation.message and not message:
        found.invalid(f"{field}.message", validation.message, "message must be non-empty if specified")
    elif _LINE_BREAK.search(message):
        found.invalid(f"{field}.message", validation.message, "message must not contain line breaks")
    if validation.HasField("reason") and validation.reason not in _REASONS:
        found.unsupported(f"{field}.reason", validation.reason, _REASONS)


def _check_annotations(
    found: Findings, policy: policy_pb2.ValidatingAdmissionPolicy, expressions: RequestExpressions
) -> None:
    field, known = "spec.auditAnnotations", set[str]()
    if len(policy.spec.auditAnnotations) > _MOST_ANNOTATIONS:
        found.breaks(field, f"must not have more than {_MOST_ANNOTATIONS} auditAnnotations")
    for index, annotation in enumerate(policy.spec.auditAnnotations):
        at, expression = f"{field}[{index}]", annotation.valueExpression.strip()
        key = f"{policy.metadata.name}/{annotation.key}"
        found.invalid(f"{at}.key", key, *syntax.qualified_name(key))
        if annotation.key in known:
            found.duplicate(f"{at}.key", annotation.key)
        known.add(annotation.key)
        if not expression:
            found.required(f"{at}.valueExpression", "valueExpression is not specified")
        elif len(expression.encode()) > _MOST_VALUE_BYTES:
            found.required(f"{at}.valueExpression", f"must not exceed {_MOST_VALUE_BYTES} bytes in length")
        else:
            wanted = ("STRING", "NULL")
            check_expression(found, f"{at}.valueExpression", expression, expressions.expression, wanted)
