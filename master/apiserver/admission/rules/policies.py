"""What ValidatingAdmissionPolicies say of a write. Pure: whoever asks has looked everything up.

Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from master.apiserver.admission.rules.matching import Matcher
from podlab.admissionregistration.v1 import validatingadmissionpolicy_pb2 as policy_pb2
from podlab.cel.admission.expressions import VARIABLES, RequestExpressions
from podlab.cel.compiler import Program
from podlab.cel.frame import TOTAL_LIMIT, Budget
from podlab.cel.values import CostLimitExceeded, EvaluationError, LazyMap, type_name

_CONDITIONS_LIMIT = TOTAL_LIMIT // 4
_MOST_MESSAGE_BYTES = 5 * 1024
_OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"
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
        self._conditions = [(one.expression, expressions.condition(one.expression)) for one in spec.matchConditions]
        self._variables = {one.name: expressions.define(one.name, one.expression) for one in spec.variables}
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
        meets, error = self._meets_conditions(variables)
        if error:
            return PolicyVerdict((Failure(0, error),) if self.fails else ())
        if not meets:
            return PolicyVerdict()
        budget = Budget()
        variables = {**variables, VARIABLES: self._lazily(variables, budget)}
        failures = tuple(self._failures(variables, budget))
        annotations, refusal = self._annotated(variables)
        return PolicyVerdict(failures, annotations, refusal)

    def _meets_conditions(self, variables: Mapping[str, object]) -> tuple[bool, str]:
        """Whether all hold, or why that cannot be said: one that is false decides, whatever becomes of the others."""
        budget, errors = Budget(_CONDITIONS_LIMIT), list[str]()
        for expression, program in self._conditions:
            try:
                if program.evaluate(variables, budget) is False:
                    return False, ""
            except (EvaluationError, CostLimitExceeded) as e:
                errors.append(_failed(expression, e, budget))
        return not errors, errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]" if errors else ""

    def _lazily(self, variables: Mapping[str, object], budget: Budget) -> LazyMap:
        """The policy's variables, each worked out when it is first read."""
        with_variables: dict[str, object] = dict(variables)

        def read(name: str, program: Program) -> object:
            try:
                return program.evaluate(with_variables, budget)
            except EvaluationError as e:
                raise EvaluationError(f'composited variable "{name}" fails to evaluate: {e}') from None

        values = LazyMap({name: partial(read, name, program) for name, program in self._variables.items()})
        with_variables[VARIABLES] = values
        return values

    def _failures(self, variables: Mapping[str, object], budget: Budget) -> Iterator[Failure]:
        for index, validation in enumerate(self._validations):
            source = validation.source
            try:
                if validation.program.evaluate(variables, budget) is True:
                    continue
            except (EvaluationError, CostLimitExceeded) as e:
                if self.fails:
                    yield Failure(index, _failed(source.expression, e, budget))
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
                    return made, _failed(expression, e, budget)
                continue
            if isinstance(value, str):
                if text := value.strip():
                    made[annotation.key] = text
            elif value is not None:
                told = f"valueExpression '{expression}' resulted in unsupported return type: {type_name(value)}"
                return made, f"{told}. Return type must be either string or null."
        return made, ""


def _failed(expression: str, error: Exception, budget: Budget) -> str:
    return _OUT_OF_BUDGET if budget.remaining < 0 else f"expression '{expression}' resulted in error: {error}"


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
