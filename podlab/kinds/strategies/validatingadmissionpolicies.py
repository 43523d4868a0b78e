"""ValidatingAdmissionPolicies: whether their expressions fit the kinds that they are about.

Kubernetes has a controller for that. Here it is found out when the policy is written; of kinds that are built in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from podlab.admissionregistration.v1 import validatingadmissionpolicy_pb2 as policy_pb2
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ValidatingAdmissionPolicy
from podlab.api.kinds import Kind
from podlab.cel.admission.expressions import RequestExpressions
from podlab.cel.admission.messagetypes import object_type
from podlab.cel.compiler import CompileError, Program
from podlab.cel.escaping import is_identifier
from podlab.kinds import builtin

_MOST_KINDS = 10


def begin(policy: ValidatingAdmissionPolicy) -> None:
    """A new policy is checked."""
    _check(policy, policy.metadata.generation)


def check_again(new: ValidatingAdmissionPolicy, old: ValidatingAdmissionPolicy) -> None:
    """One that has changed is."""
    if new.spec != old.spec:
        _check(new, old.metadata.generation + 1)


def _check(policy: ValidatingAdmissionPolicy, generation: int) -> None:
    """Say in the status what does not fit."""
    policy.status.observedGeneration = generation
    policy.status.typeChecking.SetInParent()
    del policy.status.typeChecking.expressionWarnings[:]
    warnings: dict[str, str] = {}
    for kind in _kinds(policy):
        for field, error in _misfits(policy.spec, kind):
            warnings[field] = f"{warnings.get(field, '')}{kind.api_version}, Kind={kind.name}: {error}\n"
    for field in sorted(warnings):
        policy.status.typeChecking.expressionWarnings.add(fieldRef=field, warning=warnings[field])


def _kinds(policy: ValidatingAdmissionPolicy) -> list[Kind]:
    """Those that its rules name; asterisks name none."""
    catalog, found = builtin.catalog(), dict[Kind, None]()
    for named in policy.spec.matchConstraints.resourceRules:
        rule = named.ruleWithOperations.rule
        for group in rule.apiGroups:
            for version in rule.apiVersions:
                for resource in rule.resources:
                    kind = catalog.at(group, version, resource)
                    if kind is not None:
                        found[kind] = None
    return list(found)[:_MOST_KINDS]


def _misfits(spec: policy_pb2.ValidatingAdmissionPolicySpec, kind: Kind) -> Iterator[tuple[str, str]]:
    """The fields of expressions that do not fit the kind, and why."""
    expressions = RequestExpressions(has_params=spec.HasField("paramKind"), about=object_type(kind.message.DESCRIPTOR))
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
