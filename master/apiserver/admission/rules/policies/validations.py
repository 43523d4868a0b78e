"""What ValidatingAdmissionPolicies say of a write. Pure: whoever asks has looked everything up.

Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from master.apiserver.admission.rules.conditions import Conditions, Variables, failed
from master.apiserver.admission.rules.matching import Matcher
from podlab.admissionregistration.v1 import validatingadmissionpolicy_pb2 as policy_pb2
from podlab.cel.admission.expressions import RequestExpressions
from podlab.cel.compiler import Program
from podlab.cel.frame import Budget
from podlab.cel.values import CostLimitExceeded, EvaluationError, type_name

_MOST_MESSAGE_BYTES = 5 * 1024
INVALID = "Invalid"


@dataclass(frozen=True, slots=True)
class Failure:
    """A validation that the write does not keep, or one that could not be asked."""

    index: int
    message: str
    reason: str = INVALID


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """What a policy says with one parameter. `annotations` are for the audit log, by the keys of the policy."""

    failures: tuple[Failure, ...] = ()
    annotations: Mapping[str, str] | None = None
    refusal: str = ""
    """Why an annotation could not be made, where that refuses the write."""


@dataclass(frozen=True, slots=True)
class _Validation:
    source: policy_pb2.Validation
    program: Program
    message: Program | None


class CompiledPolicy:
    """A policy, ready to be asked. Raises CompileError."""

    def __init__(self, policy: policy_pb2.ValidatingAdmissionPolicy) -> None:
        spec = policy.spec
        self.policy = policy
        self.matcher = Matcher.of(spec.matchConstraints)
        self.fails = spec.failurePolicy != "Ignore"
        """Whether a write is refused when the policy cannot be asked."""
        expressions = RequestExpressions(has_params=spec.HasField("paramKind"))
        self._conditions = Conditions(spec.matchConditions, expressions)
        self._variables = Variables(spec.variables, expressions)
        self._validations = [
            _Validation(
                one,
                expressions.expression(one.expression),
                expressions.message(one.messageExpression) if one.messageExpression else None,
            )
            for one in spec.validations
        ]
        self._annotations = [(one, expressions.expression(one.valueExpression)) for one in spec.auditAnnotations]

    def ask(self, variables: Mapping[str, object]) -> PolicyVerdict:
        """What it says of the write that the variables describe."""
        meets, error = self._conditions.met(variables)
        if error:
            return PolicyVerdict((Failure(0, error),) if self.fails else ())
        if not meets:
            return PolicyVerdict()
        budget = Budget()
        variables = self._variables.added(variables, budget)
        failures = tuple(self._failures(variables, budget))
        annotations, refusal = self._annotated(variables)
        return PolicyVerdict(failures, annotations, refusal)

    def _failures(self, variables: Mapping[str, object], budget: Budget) -> Iterator[Failure]:
        for index, validation in enumerate(self._validations):
            source = validation.source
            try:
                if validation.program.evaluate(variables, budget) is True:
                    continue
            except (EvaluationError, CostLimitExceeded) as e:
                if self.fails:
                    yield Failure(index, failed(source.expression, e, budget))
                if budget.remaining < 0:
                    return
                continue
            message = _said(validation.message, variables, budget) or source.message.strip()
            yield Failure(index, message or f"failed expression: {source.expression.strip()}", source.reason or INVALID)

    def _annotated(self, variables: Mapping[str, object]) -> tuple[Mapping[str, str], str]:
        """Annotations by their keys, and why a write is refused for one that cannot be made."""
        budget, made = Budget(), dict[str, str]()
        for annotation, program in self._annotations:
            expression = annotation.valueExpression
            try:
                value = program.evaluate(variables, budget)
            except (EvaluationError, CostLimitExceeded) as e:
                if self.fails:
                    return made, failed(expression, e, budget)
                continue
            if isinstance(value, str):
                if text := value.strip():
                    made[annotation.key] = text
            elif value is not None:
                told = f"valueExpression '{expression}' resulted in unsupported return type: {type_name(value)}"
                return made, f"{told}. Return type must be either string or null."
        return made, ""


def _said(program: Program | None, variables: Mapping[str, object], budget: Budget) -> str:
    """What a messageExpression says; empty where it has nothing fit to be told."""
    if program is None:
        return ""
    try:
        value = program.evaluate(variables, budget)
    except (EvaluationError, CostLimitExceeded):
        return ""
    text = value.strip() if isinstance(value, str) else ""
    return text if "\n" not in text and len(text.encode()) <= _MOST_MESSAGE_BYTES else ""
