"""Label and field selectors: parsed once, matched often."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from google.protobuf.message import Message

from podlab.api.kinds import Kind
from podlab.api.values import names
from podlab.errors import BadRequest
from podlab.meta.v1 import meta_pb2


class Operator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GREATER = "Gt"
    LESS = "Lt"


@dataclass(frozen=True)
class Requirement:
    """One condition on one label. NotIn and DoesNotExist hold where the label is missing."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if self.operator is Operator.IN:
            return value in self.values
        if self.operator is Operator.NOT_IN:
            return value not in self.values
        if self.operator is Operator.EXISTS:
            return value is not None
        if self.operator is Operator.DOES_NOT_EXIST:
            return value is None
        number, (bound,) = _integer(value), self.values
        if number is None:
            return False
        return number > int(bound) if self.operator is Operator.GREATER else number < int(bound)

    def __str__(self) -> str:
        """In kubectl's syntax, which `parse_labels` reads back."""
        values = ",".join(sorted(self.values))
        if self.operator is Operator.EXISTS:
            return self.key
        if self.operator is Operator.DOES_NOT_EXIST:
            return f"!{self.key}"
        if self.operator in (Operator.GREATER, Operator.LESS):
            return f"{self.key}{'>' if self.operator is Operator.GREATER else '<'}{values}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator is Operator.IN else '!='}{values}"
        return f"{self.key} {'in' if self.operator is Operator.IN else 'notin'} ({values})"


@dataclass(frozen=True)
class Selector:
    """All requirements must hold; one without requirements matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    @property
    def is_empty(self) -> bool:
        return not self.requirements

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


def from_labels(labels: Mapping[str, str]) -> Selector:
    """The selector of what carries all of these labels: a Service's."""
    return Selector(tuple(Requirement(key, Operator.IN, frozenset({labels[key]})) for key in sorted(labels)))


def from_message(selector: meta_pb2.LabelSelector) -> Selector:
    """BadRequest for an operator that does not exist or whose values do not fit.

    An absent selector matches nothing, an empty one everything: HasField tells them apart, which is the caller's part.
    """
    expressions = [
        _requirement(expression.key, _operator(expression.operator), expression.values)
        for expression in selector.matchExpressions
    ]
    return Selector((*from_labels(selector.matchLabels).requirements, *expressions))


def of_pods(selector: Any) -> Selector:
    """By what a workload finds its pods: a label selector, or labels where that is all there was."""
    return from_labels(selector) if isinstance(selector, Mapping) else from_message(selector)


_PART = re.compile(
    r"""\s*(?:
      !\s*(?P<absent>[^\s,=!<>()]+)
    | (?P<key>[^\s,=!<>()]+)\s*
      (?: (?P<sign>==|=|!=|<|>)\s*(?P<value>[^\s,=!<>()]*)
        | (?P<set>in|notin)\s*\((?P<values>[^()=!<>]*)\)
      )?
    )\s*(?:,|$)""",
    re.VERBOSE,
)
_SIGNS = {
    "=": Operator.IN,
    "==": Operator.IN,
    "!=": Operator.NOT_IN,
    ">": Operator.GREATER,
    "<": Operator.LESS,
    "in": Operator.IN,
    "notin": Operator.NOT_IN,
}


def parse_labels(text: str) -> Selector:
    """From kubectl's syntax: `app=web,tier in (a,b),!legacy`. Empty text matches everything. Raises BadRequest."""
    requirements = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _PART.match(text, position)
        if match is None or (text[match.end() - 1] == "," and match.end() >= end):
            raise BadRequest(f'unable to parse label selector "{text}" at "{text[position:].strip()}"')
        requirements.append(_parsed(match))
        position = match.end()
    return Selector(tuple(requirements))


def _parsed(match: re.Match[str]) -> Requirement:
    if match["absent"]:
        return _requirement(match["absent"], Operator.DOES_NOT_EXIST, ())
    if match["sign"]:
        return _requirement(match["key"], _SIGNS[match["sign"]], (match["value"],))
    if match["set"]:
        values = (value.strip() for value in match["values"].split(","))
        return _requirement(match["key"], _SIGNS[match["set"]], values)
    return _requirement(match["key"], Operator.EXISTS, ())


def _operator(name: str) -> Operator:
    try:
        operator = Operator(name)
    except ValueError as error:
        raise BadRequest(f'"{name}" is not a valid label selector operator') from error
    if operator in (Operator.GREATER, Operator.LESS):
        raise BadRequest(f'"{name}" is not a valid label selector operator: only node selectors compare numbers')
    return operator


def _requirement(key: str, operator: Operator, values: Iterable[str]) -> Requirement:
    kept = frozenset(values)
    problems = [f'key "{key}": {problem}' for problem in names.qualified_name(key)]
    problems += [f'value "{value}": {problem}' for value in sorted(kept) for problem in names.label_value(value)]
    if operator in (Operator.IN, Operator.NOT_IN) and not kept:
        problems.append(f'key "{key}": for In and NotIn operators, values set can\'t be empty')
    if operator in (Operator.EXISTS, Operator.DOES_NOT_EXIST) and kept:
        problems.append(f'key "{key}": for Exists and DoesNotExist operators, values set must be empty')
    if operator in (Operator.GREATER, Operator.LESS) and any(_integer(value) is None for value in kept):
        problems.append(f'key "{key}": for Gt and Lt operators, the value must be an integer')
    if problems:
        raise BadRequest(f"invalid label selector: {'; '.join(problems)}")
    return Requirement(key, operator, kept)


def _integer(value: str | None) -> int | None:
    return int(value) if value is not None and re.fullmatch(r"[+-]?[0-9]{1,18}", value) else None


# ---- fields

# Fields that selectors know under another name than the object has.
_OTHERWISE = {"status.successful": "status.succeeded"}
_OF_ALL = ("metadata.name", "metadata.namespace")
_FIELD_PART = re.compile(r"\s*(?P<path>[^\s,=!]+)\s*(?P<sign>==|=|!=)(?P<value>[^,=!]*)")


FieldReader = Callable[[Any], str]
"""Takes an object."""


@dataclass(frozen=True)
class FieldRequirement:
    """One field's value, compared as text."""

    path: str
    value: str
    equal: bool
    read: FieldReader

    def __str__(self) -> str:
        return f"{self.path}{'=' if self.equal else '!='}{self.value}"


@dataclass(frozen=True)
class FieldSelector:
    """All requirements must hold; one without requirements matches everything."""

    requirements: tuple[FieldRequirement, ...] = ()

    def matches(self, message: Message) -> bool:
        return all((part.read(message) == part.value) == part.equal for part in self.requirements)

    def renamed(self, names: Mapping[str, str]) -> FieldSelector:
        """The same about fields that are called otherwise; those that have no other name keep theirs."""
        found = ((names.get(part.path, part.path), part) for part in self.requirements)
        return FieldSelector(
            tuple(FieldRequirement(name, part.value, part.equal, field_reader(name)) for name, part in found)
        )

    def required(self, path: str) -> str | None:
        """The value that the field must have, where the selector says one."""
        return next((part.value for part in self.requirements if part.path == path and part.equal), None)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


def parse_fields(
    kind: Kind, selectable: Iterable[str], text: str, reader: Callable[[str], FieldReader] | None = None
) -> FieldSelector:
    """From kubectl's syntax: `spec.nodeName=n1,status.phase!=Running`. Raises BadRequest, also for a field
    that is none of the kind's selectable ones. `reader` makes what reads those, where they are no fields of messages.
    """
    parts = []
    for part in filter(str.strip, text.split(",")):  # an empty term says nothing
        match = _FIELD_PART.fullmatch(part)
        if match is None:
            raise BadRequest(f'invalid field selector "{text}": can\'t understand "{part}"')
        path = match["path"]
        allowed = (*_OF_ALL, *selectable)
        if path not in allowed:
            raise BadRequest(f"field label not supported: {path}: for {kind.plural} these are: {', '.join(allowed)}")
        value = match["value"].strip()
        read = (reader if reader is not None and path not in _OF_ALL else field_reader)(path)
        parts.append(FieldRequirement(path, value, match["sign"] != "!=", read))
    return FieldSelector(tuple(parts))


def field_reader(path: str) -> FieldReader:
    """What reads a selectable field of an object, as text."""
    steps = _OTHERWISE.get(path, path).split(".")

    def read(message: Message) -> str:
        value: Any = message
        for step in steps:
            value = getattr(value, step)
        if isinstance(value, bool):
            return str(value).lower()
        return value.component if path == "source" else str(value)

    return read
