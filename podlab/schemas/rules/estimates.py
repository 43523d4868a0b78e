"""What the rules of a schema may cost at most, by the lengths that it allows, and which of them cost too much.

What has no bound is as large as a request may hold of it. Limits, and how sizes follow from schemas, are those of
Kubernetes: apiextensions' pkg/apiserver/validation and apiserver's pkg/cel/common/schemas.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from podlab.cel.escaping import escape
from podlab.cel.estimation.sizes import Sized
from podlab.errors import Cause
from podlab.schemas import causes
from podlab.schemas.rules.compiled import OLD_SELF, SELF, Environments, rules_of
from podlab.schemas.rules.declared import declared_type, format_of
from podlab.schemas.schema import Schema

RULE_LIMIT: Final = 10_000_000
SCHEMA_LIMIT: Final = 100_000_000
_REQUEST_BYTES: Final = 3 << 20
_BYTES_OF_CHARACTER: Final = 4
_LEAST_BYTES: Final[Mapping[str, int]] = {"boolean": 4, "integer": 1, "number": 1, "string": 2}
_LEAST_OF_FORMAT: Final[Mapping[str, int]] = {"date": 12, "date-time": 21, "duration": 3}
_MOST_OF_FORMAT: Final[Mapping[str, int]] = {"date": 12, "date-time": 32, "duration": 32}
_ANY_TEXT: Final = Sized("string", _REQUEST_BYTES - 2)
_TYPE_AND_NAME: Final[Mapping[str, Sized]] = {
    "apiVersion": _ANY_TEXT,
    "kind": _ANY_TEXT,
    "metadata": Sized(fields={"name": _ANY_TEXT, "generateName": _ANY_TEXT}),
}
_DEAREST: Final = 4
_RULES: Final = "x-kubernetes-validations"


def faults(schema: Schema, path: str) -> Iterator[Cause]:
    """The rules that may cost too much, each for itself or all of them together. They are known to compile."""
    found: list[tuple[int, str]] = []
    for cost, at, what in costs(schema, path):
        found.append((cost, at))
        if cost > RULE_LIMIT:
            yield causes.forbidden(at, _exceeds(what, cost, RULE_LIMIT))
    total = sum(cost for cost, _ in found)
    if total > SCHEMA_LIMIT:
        for _, at in sorted(found, key=lambda one: -one[0])[:_DEAREST]:
            told = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
            yield causes.forbidden(at, told)
        whole = f"{_RULES} estimated rule cost total for entire OpenAPIv3 schema"
        yield causes.forbidden(path, _exceeds(whole, total, SCHEMA_LIMIT))


def costs(schema: Schema, path: str) -> Iterator[tuple[int, str, str]]:
    """What each expression may cost in one object, where it stands, and what it is called in messages."""
    yield from _costs(schema, schema, path, root=True, times=1)


def _costs(
    schema: Schema, spine: Schema, path: str, *, root: bool, times: int | None
) -> Iterator[tuple[int, str, str]]:
    """As `costs`. `times` is how often a value of the schema may be in an object; None where nothing bounds that.
    `spine` is as in checks.py."""
    yield from _own(schema, spine, path, root=root, times=times)
    parts: list[tuple[Schema, Schema, str, int | None]] = []
    most = spine.validation
    if schema.items is not None and spine.items is not None:
        items = None if most is None else most.max_items
        parts.append((schema.items, spine.items, f"{path}.items", items))
    if schema.values is not None and spine.values is not None:
        entries = None if most is None else most.max_properties
        parts.append((schema.values, spine.values, f"{path}.additionalProperties", entries))
    for name, one in schema.properties.items():
        if name in spine.properties:
            parts.append((one, spine.properties[name], f"{path}.properties[{name}]", 1))
    for one, below, at, count in parts:
        each = None if times is None or count is None else times * count
        yield from _costs(one, below, at, root=below.embedded, times=each)
    for index, one in enumerate(most.all_of if most is not None and schema is spine else ()):
        yield from _costs(one, spine, f"{path}.allOf[{index}]", root=root, times=times)


def _own(schema: Schema, spine: Schema, path: str, *, root: bool, times: int | None) -> Iterator[tuple[int, str, str]]:
    declared = declared_type(spine, root=root) if schema.rules else None
    if declared is None:
        return
    if times is None:
        times = _REQUEST_BYTES // (_least_bytes(spine) + 1)
    own, environments = _sized(spine, root=root), Environments(declared)
    for index, rule in enumerate(rules_of(schema)):
        at = f"{path}.{_RULES}[{index}]"
        for name, expression, what in (
            ("rule", rule.rule, "estimated rule cost"),
            ("messageExpression", rule.message_expression, "estimated messageExpression cost"),
        ):
            if expression:
                cost = environments.of(rule).estimate(expression, {SELF: own, OLD_SELF: own}, own)
                yield times * cost, f"{at}.{name}", what


def _sized(schema: Schema, *, root: bool = False) -> Sized:
    """How large a value of the schema may be; `root` as in declared.py."""
    most = schema.validation
    if schema.int_or_string:
        bound = most.max_length if most is not None else None
        return Sized("", _REQUEST_BYTES - 2 if bound is None else _BYTES_OF_CHARACTER * max(bound, 0))
    match schema.type:
        case "array" if schema.items is not None:
            bound = most.max_items if most is not None else None
            unbound = (_REQUEST_BYTES - 2) // (_least_bytes(schema.items) + 1)
            items = _sized(schema.items, root=schema.items.embedded)
            return Sized("list", unbound if bound is None else max(bound, 0), items)
        case "object" if schema.values is not None:
            bound = most.max_properties if most is not None else None
            unbound = (_REQUEST_BYTES - 2) // (_least_bytes(schema.values) + 6)
            values = _sized(schema.values, root=schema.values.embedded)
            return Sized("map", unbound if bound is None else max(bound, 0), values)
        case "object":
            return Sized(fields={**_fields(schema), **(_TYPE_AND_NAME if root else {})})
        case "string":
            return Sized("" if format_of(schema) in _MOST_OF_FORMAT else "string", _length(schema))
    return Sized()


def _fields(schema: Schema) -> dict[str, Sized]:
    seen = ((escape(name), part) for name, part in schema.properties.items() if _is_seen(part))
    return {written: _sized(part, root=part.embedded) for written, part in seen if written}


def _is_seen(schema: Schema) -> bool:
    """Whether rules see a value of the schema."""
    return bool(schema.type) or schema.int_or_string


def _length(schema: Schema) -> int:
    """The most bytes of a string: a character may have four."""
    most = schema.validation
    if (fixed := _MOST_OF_FORMAT.get(format_of(schema))) is not None:
        return fixed
    if most is not None and most.max_length is not None:
        return max(most.max_length, 0) * (1 if format_of(schema) == "byte" else _BYTES_OF_CHARACTER)
    if most is not None and most.enum and format_of(schema) != "byte":
        return max(len(str(one)) for one in most.enum)
    return _REQUEST_BYTES - 2


def _least_bytes(schema: Schema) -> int:
    """What a value takes at least in JSON."""
    if schema.int_or_string:
        return 1
    if schema.type == "string":
        return _LEAST_OF_FORMAT.get(format_of(schema), _LEAST_BYTES["string"])
    if schema.type != "object" or schema.values is not None:
        return _LEAST_BYTES.get(schema.type, 2)
    required = schema.validation.required if schema.validation is not None else ()
    there = [(name, schema.properties[name]) for name in required if name in schema.properties]
    return 2 + sum(len(name) + _least_bytes(one) + 4 for name, one in there if _is_seen(one) and one.default is None)


def _exceeds(what: str, cost: int, limit: int) -> str:
    factor = cost / limit
    shown = "more than 100" if factor > 100 else f"{factor:.6f}" if factor < 1.5 else f"{factor:.1f}"
    hint = (
        "try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are"
    )
    return f"{what} exceeds budget by factor of {shown}x ({hint} declared)"
