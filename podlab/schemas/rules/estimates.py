"""What the rules of a schema may cost at most, by the lengths that it allows, and which of them cost too much.

What has no bound is as large as a request may hold of it. Limits, and how sizes follow from schemas, are those of
Kubernetes: apiextensions' pkg/apiserver/validation and apiserver's pkg/cel/common/schemas.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from podlab.cel.compiler import Environment
from podlab.cel.escaping import escape
from podlab.cel.estimation.sizes import Sized
from podlab.errors import Cause
from podlab.schemas import causes
from podlab.schemas.rules.compiled import OLD_SELF, SELF, environment_of, rules_of
from podlab.schemas.rules.declared import declared_type, format_of
from podlab.schemas.schema import Schema

RULE_LIMIT: Final = 10_000_000
SCHEMA_LIMIT: Final = 100_000_000
_REQUEST_BYTES: Final = 3 << 20
_LEAST_BYTES: Final[Mapping[str, int]] = {"boolean": 4, "integer": 1, "number": 1, "string": 2}
_FORMAT_BYTES: Final[Mapping[str, int]] = {"date": 10, "date-time": 33, "duration": 30}
_DEAREST: Final = 4
_RULES: Final = "x-kubernetes-validations"


def faults(schema: Schema, path: str) -> Iterator[Cause]:
    """The rules that may cost too much, each for itself or all of them together. They are known to compile."""
    found: list[tuple[int, str]] = []
    for cost, at, what in _costs(schema, schema, path, root=True, times=1):
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


def _costs(
    schema: Schema, spine: Schema, path: str, *, root: bool, times: int | None
) -> Iterator[tuple[int, str, str]]:
    """What each expression may cost in one object, where it stands, and what it is called. `times` is how often its
    value may be in an object; None where nothing bounds that. `spine` is as in checks.py."""
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
    own = _sized(spine)
    for index, rule in enumerate(rules_of(schema)):
        environment: Environment = environment_of(rule, declared)
        at = f"{path}.{_RULES}[{index}]"
        for name, expression, what in (
            ("rule", rule.rule, "estimated rule cost"),
            ("messageExpression", rule.message_expression, "estimated messageExpression cost"),
        ):
            if expression:
                yield times * environment.estimate(expression, {SELF: own, OLD_SELF: own}), f"{at}.{name}", what


def _sized(schema: Schema) -> Sized:
    """How large a value of the schema may be."""
    most = schema.validation
    if schema.int_or_string:
        return Sized()
    if schema.type == "array" and schema.items is not None:
        bound = most.max_items if most is not None else None
        unbound = (_REQUEST_BYTES - 2) // (_least_bytes(schema.items) + 1)
        return Sized("list", unbound if bound is None else max(bound, 0), _sized(schema.items))
    if schema.type == "object" and schema.values is not None:
        bound = most.max_properties if most is not None else None
        unbound = (_REQUEST_BYTES - 2) // (_least_bytes(schema.values) + 6)
        return Sized("map", unbound if bound is None else max(bound, 0), _sized(schema.values))
    if schema.type == "object":
        fields = {written: _sized(one) for name, one in schema.properties.items() if (written := escape(name))}
        return Sized(fields=fields)
    if schema.type == "string":
        return Sized("string" if format_of(schema) not in ("byte", *_FORMAT_BYTES) else "", _length(schema))
    return Sized()


def _length(schema: Schema) -> int:
    """The most bytes of a string: a character may have four."""
    most = schema.validation
    if (fixed := _FORMAT_BYTES.get(format_of(schema))) is not None:
        return fixed
    if most is not None and most.max_length is not None:
        return max(most.max_length, 0) * (1 if format_of(schema) == "byte" else 4)
    if most is not None and most.enum:
        return max(len(str(one)) for one in most.enum)
    return _REQUEST_BYTES - 2


def _least_bytes(schema: Schema) -> int:
    """What a value takes at least in JSON."""
    if schema.type != "object" or schema.values is not None:
        return _LEAST_BYTES.get(schema.type, 2 if schema.type else 1)
    required = schema.validation.required if schema.validation is not None else ()
    there = [(name, schema.properties[name]) for name in required if name in schema.properties]
    return 2 + sum(len(name) + _least_bytes(one) + 4 for name, one in there if one.default is None)


def _exceeds(what: str, cost: int, limit: int) -> str:
    factor = cost / limit
    shown = "more than 100" if factor > 100 else f"{factor:.6f}" if factor < 1.5 else f"{factor:.1f}"
    hint = (
        "try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are"
    )
    return f"{what} exceeds budget by factor of {shown}x ({hint} declared)"
