"""ValidatingAdmissionPolicies: whether their expressions fit the kinds that they are about. Pure.

Kubernetes has a controller for that. Here it is found out when the policy is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from podlab.admissionregistration.v1 import validatingadmissionpolicy_pb2 as policy_pb2
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ValidatingAdmissionPolicy
from podlab.api.kinds import Kind
from podlab.cel.admission.expressions import RequestExpressions
from podlab.cel.compiler import Program
from podlab.cel.escaping import is_identifier
from podlab.cel.types import DeclaredType
from podlab.cel.values import CompileError

_MOST_KINDS = 10

TypeAt = Callable[[str, str, str], tuple[Kind, DeclaredType] | None]
"""The kind at a group, version and plural, and the type of its objects; None where there is none."""


def check(policy: ValidatingAdmissionPolicy, generation: int, type_at: TypeAt) -> None:
    """Say in the status, of this generation, what does not fit."""
    policy.status.observedGeneration = generation
    policy.status.typeChecking.SetInParent()
    del policy.status.typeChecking.expressionWarnings[:]
    warnings: dict[str, str] = {}
    for kind, about in _kinds(policy, type_at):
        for field, error in _misfits(policy.spec, about):
            warnings[field] = f"{warnings.get(field, '')}{kind.api_version}, Kind={kind.name}: {error}\n"
    for field in sorted(warnings):
        policy.status.typeChecking.expressionWarnings.add(fieldRef=field, warning=warnings[field])


def _kinds(policy: ValidatingAdmissionPolicy, type_at: TypeAt) -> list[tuple[Kind, DeclaredType]]:
    """Those that its rules name; asterisks name none."""
    found: dict[Kind, DeclaredType] = {}
    for named in policy.spec.matchConstraints.resourceRules:
        rule = named.ruleWithOperations.rule
        for group in rule.apiGroups:
            for version in rule.apiVersions:
                for resource in rule.resources:
                    if (one := type_at(group, version, resource)) is not None:
                        found.setdefault(*one)
    return list(found.items())[:_MOST_KINDS]


def _misfits(spec: policy_pb2.ValidatingAdmissionPolicySpec, about: DeclaredType) -> Iterator[tuple[str, str]]:
    """The fields of expressions that do not fit the type, and why."""
    expressions = RequestExpressions(has_params=spec.HasField("paramKind"), about=about)
    for index, variable in enumerate(spec.variables):
        error = ""
        try:
            if is_identifier(variable.name):
                expressions.define(variable.name, variable.expression)
        except CompileError as e:
            expressions.forget(variable.name)
            error = str(e)
        if error:
            yield f"spec.variables[{index}].expression", error
    for index, validation in enumerate(spec.validations):
        for name, expression, compiled in (
            ("expression", validation.expression, expressions.expression),
            ("messageExpression", validation.messageExpression, expressions.message),
        ):
            if expression and (error := _error(compiled, expression)):
                yield f"spec.validations[{index}].{name}", error


def _error(compiled: Callable[[str], Program], expression: str) -> str:
    """Why it does not compile; empty if it does."""
    try:
        compiled(expression)
    except CompileError as e:
        return str(e)
    return ""
