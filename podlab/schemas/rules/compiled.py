"""Rules of one node of a schema, compiled against the node's type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from podlab.cel.compiler import Environment, Program
from podlab.cel.environments import base_environment
from podlab.cel.types import DeclaredType, OptionalOf
from podlab.cel.values import CompileError
from podlab.schemas.schema import Schema

SELF: Final = "self"
OLD_SELF: Final = "oldSelf"


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """A rule as its schema has it, the texts without blanks around them."""

    rule: str
    message: str
    message_expression: str
    reason: str
    field_path: str
    optional_old: bool | None
    """Whether it is also asked where there is no old value; None where nothing is said."""

    @property
    def shown(self) -> str:
        """How errors call it."""
        return self.message or self.rule


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule, ready to be evaluated or refused."""

    source: ValidationRule
    program: Program | None = None
    """None when the rule is empty or does not compile."""
    error: str = ""
    """Why the rule does not compile."""
    message: Program | None = None
    message_error: str = ""

    @property
    def uses_old(self) -> bool:
        """Whether it compares with the old value: a transition rule."""
        return self.program is not None and OLD_SELF in self.program.variables


def rules_of(schema: Schema) -> tuple[ValidationRule, ...]:
    """The node's own."""
    return tuple(
        ValidationRule(
            rule=str(one.get("rule", "")).strip(),
            message=str(one.get("message", "")).strip(),
            message_expression=str(one.get("messageExpression", "")).strip(),
            reason=str(one.get("reason", "")),
            field_path=str(one.get("fieldPath", "")),
            optional_old=one.get("optionalOldSelf"),
        )
        for one in schema.rules
    )


def compile_rules(schema: Schema, declared: DeclaredType) -> tuple[CompiledRule, ...]:
    """All of the node's own, in order."""
    environments = Environments(declared)
    return tuple(_compiled(rule, environments.of(rule)) for rule in rules_of(schema))


class Environments:
    """What rules of a type's values see: one environment for those whose oldSelf may be absent, one for the others."""

    def __init__(self, declared: DeclaredType) -> None:
        self._declared = declared
        self._made: dict[bool, Environment] = {}

    def of(self, rule: ValidationRule) -> Environment:
        """The rule's."""
        optional = bool(rule.optional_old)
        if optional not in self._made:
            old = OptionalOf(self._declared) if optional else self._declared
            self._made[optional] = base_environment({SELF: self._declared, OLD_SELF: old})
        return self._made[optional]


def _compiled(rule: ValidationRule, environment: Environment) -> CompiledRule:
    if not rule.rule:
        return CompiledRule(rule)
    program, error = _program(environment, rule.rule, "BOOL", "cel expression must evaluate to a bool")
    if error or not rule.message_expression:
        return CompiledRule(rule, program, error)
    message, message_error = _program(
        environment, rule.message_expression, "STRING", "messageExpression must evaluate to a string"
    )
    return CompiledRule(rule, program, "", message, message_error)


def _program(environment: Environment, expression: str, wanted: str, unwanted: str) -> tuple[Program | None, str]:
    """The program, or why there is none."""
    try:
        program = environment.compile(expression)
    except CompileError as e:
        return None, f"compilation failed: {e}"
    return (program, "") if program.result_type == wanted else (None, unwanted)
