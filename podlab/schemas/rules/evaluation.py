"""Has a schema's rules judge a value. Rules are compiled when they are first asked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from podlab.api.values.jsonvalues import Json
from podlab.cel.compiler import Program
from podlab.cel.frame import Budget
from podlab.cel.values import ABSENT, CostLimitExceeded, EvaluationError, NoSuchOverload, OptionalValue
from podlab.errors import Cause
from podlab.schemas import causes, fieldpaths
from podlab.schemas.rules.compiled import OLD_SELF, SELF, CompiledRule, ValidationRule, compile_rules
from podlab.schemas.rules.converting import Converter, converter
from podlab.schemas.rules.declared import declared_type
from podlab.schemas.schema import Schema

_MOST_MESSAGE_BYTES = 5 * 1024
_OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


class RuleTree:
    """The nodes of a schema that have rules, or parts with rules."""

    def __init__(self, schema: Schema, *, root: bool, spine: Schema | None = None) -> None:
        """`spine` is the schema that says types, where `schema` is a part of its allOf."""
        self.schema = spine or schema
        self._ruled = schema
        self._root = root
        self.properties = {
            name: tree
            for name, part in schema.properties.items()
            if (tree := _tree(part, self.schema.properties.get(name))) is not None
        }
        self.values = _tree(schema.values, self.schema.values)
        self.items = _tree(schema.items, self.schema.items)
        parts = schema.validation.all_of if schema.validation is not None else ()
        self.all_of = [tree for part in parts if (tree := RuleTree(part, root=root, spine=self.schema)).has_rules]

    @property
    def has_rules(self) -> bool:
        """Whether there is any rule here or below."""
        below = (self.properties, self.values, self.items, self.all_of)
        return bool(self._ruled.rules) or any(below)

    @cached_property
    def rules(self) -> tuple[CompiledRule, ...]:
        """The node's own."""
        declared = declared_type(self.schema, root=self._root) if self._ruled.rules else None
        return compile_rules(self._ruled, declared) if declared is not None else ()

    def value_of(self, value: Json) -> object:
        """What rules see of it."""
        return self._convert(value) if self._convert is not None else value

    @cached_property
    def _convert(self) -> Converter | None:
        return converter(self.schema, root=self._root)


def _tree(schema: Schema | None, spine: Schema | None) -> RuleTree | None:
    if schema is None or spine is None:
        return None
    tree = RuleTree(schema, root=spine.embedded, spine=spine)
    return tree if tree.has_rules else None


def rule_tree(schema: Schema) -> RuleTree | None:
    """Of a whole object's schema. None when it has no rules: then there is nothing to ask."""
    tree = RuleTree(schema, root=True)
    return tree if tree.has_rules else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules have found."""

    causes: tuple[Cause, ...]
    warnings: tuple[str, ...]
    """What would be refused if it were not unchanged."""


def evaluate(tree: RuleTree, value: Json, old: Json = None) -> Verdict:
    """Judge the object; `old` is None for a new one. An invalid part that is what it was before is a warning."""
    judge = _Judge()
    with suppress(_OutOfBudgetError):
        judge.node(tree, value, old, path="", unchanged=False)
    return Verdict(tuple(judge.causes), tuple(judge.warnings))


class _OutOfBudgetError(Exception):
    """No further rule is asked; a cause says so."""


@dataclass(slots=True)
class _Judge:
    """One evaluation of all rules."""

    budget: Budget = field(default_factory=Budget)
    causes: list[Cause] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def node(self, tree: RuleTree, value: Json, old: Json, *, path: str, unchanged: bool) -> None:
        """The node's rules, and those below it. `unchanged` says so of the nearest node above that has an old value."""
        if value is None:
            return
        same = value == old if old is not None else unchanged
        if tree.rules:
            self._own(tree, value, old, path, unchanged=same)
        for part in tree.all_of:
            self.node(part, value, old, path=path, unchanged=unchanged)
        if isinstance(value, list) and tree.items is not None:
            self._items(tree, tree.items, value, old, path=path, unchanged=same)
        elif isinstance(value, dict):
            self._members(tree, value, old, path=path, unchanged=same)

    def _items(
        self, tree: RuleTree, items: RuleTree, value: list[Json], old: Json, *, path: str, unchanged: bool
    ) -> None:
        keys = tree.schema.map_keys if tree.schema.list_type == "map" else ()
        before = {_key(item, keys): item for item in old} if keys and isinstance(old, list) else {}
        for index, item in enumerate(value):
            was = before.get(_key(item, keys)) if keys else None
            self.node(items, item, was, path=f"{path}[{index}]", unchanged=unchanged)

    def _members(self, tree: RuleTree, value: Mapping[str, Json], old: Json, *, path: str, unchanged: bool) -> None:
        before = old if isinstance(old, dict) and tree.schema.map_type != "atomic" else {}
        if tree.values is not None:
            for key, one in value.items():
                self.node(tree.values, one, before.get(key), path=f"{path}[{key}]", unchanged=unchanged)
        for name, part in tree.properties.items():
            if name in value:
                at = f"{path}.{name}" if path else name
                self.node(part, value[name], before.get(name), path=at, unchanged=unchanged)

    def _own(self, tree: RuleTree, value: Json, old: Json, path: str, *, unchanged: bool) -> None:
        field_, kind = path or causes.NOWHERE, tree.schema.type
        plain: dict[str, object] = {SELF: tree.value_of(value)}
        optional: dict[str, object] = {**plain, OLD_SELF: ABSENT}
        if old is not None and any(one.uses_old for one in tree.rules):
            plain[OLD_SELF] = tree.value_of(old)
            optional[OLD_SELF] = OptionalValue(present=True, value=plain[OLD_SELF])
        for one in tree.rules:
            if one.error:
                self.causes.append(causes.invalid(field_, kind, f"rule compile error: {one.error}"))
            elif one.program is not None and not (one.uses_old and old is None and not one.source.optional_old):
                variables = optional if one.source.optional_old else plain
                self._rule(tree, one, one.program, variables, path, may_pass=unchanged and not one.uses_old)

    def _rule(
        self,
        tree: RuleTree,
        rule: CompiledRule,
        program: Program,
        variables: Mapping[str, object],
        path: str,
        *,
        may_pass: bool,
    ) -> None:
        field_, kind, shown = path or causes.NOWHERE, tree.schema.type, rule.source.shown
        try:
            holds = program.evaluate(variables, self.budget)
        except CostLimitExceeded as e:
            detail = f"'{e}': no further validation rules will be run due to call cost exceeds limit for rule: {shown}"
            self.causes.append(causes.invalid(field_, kind, _OUT_OF_BUDGET if self.budget.remaining < 0 else detail))
            raise _OutOfBudgetError from None
        except EvaluationError as e:
            self.causes.append(causes.invalid(field_, kind, _failed(e, shown)))
            return
        if holds is True:
            return
        cause = self._refusal(tree, rule, variables, path)
        if may_pass:
            self.warnings.append(f"{cause.field}: {cause.message}")
        else:
            self.causes.append(cause)

    def _refusal(self, tree: RuleTree, rule: CompiledRule, variables: Mapping[str, object], path: str) -> Cause:
        at = f"{path}{_below(rule.source.field_path, tree.schema)}".removeprefix(".")
        detail = self._message(rule, variables) or rule.source.message or f"failed rule: {rule.source.rule}"
        return _cause(rule.source, at or causes.NOWHERE, tree.schema.type, detail)

    def _message(self, rule: CompiledRule, variables: Mapping[str, object]) -> str:
        """What the messageExpression says; empty where it has nothing fit to be told."""
        if rule.message is None:
            return ""
        try:
            said = rule.message.evaluate(variables, self.budget)
        except (EvaluationError, CostLimitExceeded):
            return ""
        text = said.strip() if isinstance(said, str) else ""
        return text if "\n" not in text and len(text.encode()) <= _MOST_MESSAGE_BYTES else ""


def _below(field_path: str, schema: Schema) -> str:
    """The rule's fieldPath as errors write it: members behind dots, keys of maps in brackets."""
    found = fieldpaths.resolve(field_path, schema)
    if not isinstance(found, fieldpaths.FieldPath):
        return ""
    written, node = "", schema
    for name in found.names:
        written += f".{name}" if node.properties else f"[{name}]"
        node = node.properties.get(name) or node.values or node
    return written


def _key(item: Json, keys: tuple[str, ...]) -> str:
    return repr([item.get(key) for key in keys]) if isinstance(item, dict) else repr(item)


def _failed(error: EvaluationError, shown: str) -> str:
    if not isinstance(error, NoSuchOverload):
        return f"{error} evaluating rule: {shown}"
    told = "call arguments did not match a supported operator, function or macro signature for rule"
    return f"'{error}': {told}: {shown}"


def _cause(rule: ValidationRule, field_: str, kind: str, detail: str) -> Cause:
    match rule.reason:
        case "FieldValueForbidden":
            return causes.forbidden(field_, detail)
        case "FieldValueRequired":
            return causes.required(field_, detail)
        case "FieldValueDuplicate":
            return causes.duplicate(field_, kind)
    return causes.invalid(field_, kind, detail)
