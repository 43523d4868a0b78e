"""Is a value what its schema says? The causes are those that Kubernetes tells, in its words.

A value is walked once. What is wrong is noted as a function to call, since parts of `anyOf` and `oneOf` may fail with
nobody hearing of it. The walk counts what fits, as Kubernetes does: of alternatives that all fail, the one that fits
best is told. Source: https://github.com/kubernetes/kube-openapi/tree/master/pkg/validation/validate
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import orjson

from podlab.api.values.jsonvalues import Json
from podlab.errors import Cause
from podlab.schemas import listtypes, valuechecks
from podlab.schemas.paths import Path
from podlab.schemas.schema import ANYTHING, Schema, ValueValidation
from podlab.schemas.valuechecks import Faults


class Nothing:
    """No value, not even null."""


NOTHING: Final = Nothing()

_LEAST_INT64, _MOST_INT64 = -(1 << 63), (1 << 63) - 1
_PLAIN: Final = frozenset((str, bool, float))
_NO_MEMBERS: Final[Mapping[str, Json]] = {}
_ANYTHING: Final = ANYTHING.fitting


def validate(schema: Schema, value: Json, old: Json | Nothing = NOTHING, *, base: str = "") -> tuple[Cause, ...]:
    """What is wrong with the value, each once.

    With `old`, what the value was before, those parts may be wrong that have not changed (KEP-4008), and lists may
    repeat items if they did before. `base` is the path of the value itself.
    """
    faults: Faults = []
    _Walk(faults).part(schema, value, old, None)
    found = [fault(base) for fault in faults]
    if isinstance(old, Nothing) or next(listtypes.check(old, schema), None) is None:
        found += listtypes.check(value, schema, base)
    return tuple(dict.fromkeys(found))


class _Walk:
    """Notes what is wrong in `faults`. Methods return how much fits."""

    __slots__ = ("_faults",)

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def part(self, schema: Schema, value: Json, old: Json | Nothing, path: Path) -> int:
        """A value that has a place of its own: it may stay as wrong as it was."""
        if old is NOTHING:
            return self._value(schema, value, old, path)
        before = len(self._faults)
        count = self._value(schema, value, old, path)
        if len(self._faults) > before and _is_same(old, value):
            del self._faults[before:]
        return count

    def _value(self, schema: Schema, value: Json, old: Json | Nothing, path: Path) -> int:
        rules, kind = schema.validation, type(value)
        if value is None:
            return self._null(schema, path)
        if kind is int and not _LEAST_INT64 <= value <= _MOST_INT64:
            value, kind = float(value), float
        count = schema.fitting.get(kind)
        if count is None:
            count = _ANYTHING[kind] + 1
            if fault := valuechecks.wrong_type(schema, value):
                self._faults.append(partial(valuechecks.told_type, path, *fault))
            else:
                count += 1
        if rules is not None:
            return count + self._checked(schema, rules, value, kind, old, path)
        if kind is dict:
            return count + self._members(schema, value, old, path)
        return count + self._items(schema, value, old, path) if kind is list else count

    def _checked(
        self, schema: Schema, rules: ValueValidation, value: Json, kind: type, old: Json | Nothing, path: Path
    ) -> int:
        """What is asked beyond the type, in Kubernetes' order."""
        count = self._junctors(rules, value, old, path) if rules.has_junctors else 0
        if kind is str:
            count += 1 if rules.format else 0
            valuechecks.check_text(self._faults, rules, value, path)
        elif kind is int or kind is float:
            valuechecks.check_number(self._faults, rules, value, path)
        elif kind is list:
            count += self._items(schema, value, old, path)
            valuechecks.check_items(self._faults, rules, len(value), path)
        if rules.enum:
            valuechecks.check_enum(self._faults, rules.enum, value, path)
        if kind is dict and valuechecks.check_properties(self._faults, rules, len(value), path):
            count += self._members(schema, value, old, path)
            for name in rules.required:
                if name not in value:
                    self._faults.append(partial(valuechecks.told_missing, (path, name)))
        return count

    def _null(self, schema: Schema, path: Path) -> int:
        is_right = schema.nullable or not (schema.type or schema.int_or_string)
        if not is_right:
            self._faults.append(partial(valuechecks.told_type, path, ",".join(schema.types), "null"))
        if schema.validation is not None and schema.validation.enum:
            valuechecks.check_enum(self._faults, schema.validation.enum, None, path)
        return 1 if is_right else 0

    def _members(self, schema: Schema, value: dict[str, Json], old: Json | Nothing, path: Path) -> int:
        count, properties, values = 0, schema.properties, schema.values
        was: Mapping[str, Json] = old if isinstance(old, dict) else _NO_MEMBERS
        checked = self.part if was else self._value
        for name, member in value.items():
            known = properties.get(name) or values
            if known is None:
                if schema.additional is False:
                    self._faults.append(partial(valuechecks.told_forbidden, path, name))
            elif (kind := type(member)) in _PLAIN and known.validation is None and kind in known.fitting:
                count += known.fitting[kind]  # most members: there is nothing more to ask
            else:
                count += checked(known, member, was.get(name, NOTHING), (path, name))
        return count

    def _items(self, schema: Schema, value: list[Json], old: Json | Nothing, path: Path) -> int:
        items = schema.items
        if items is None:
            return 0
        if isinstance(old, list):
            was = _before(schema, value, old)
            return sum(self.part(items, item, was[index], (path, index)) for index, item in enumerate(value))
        count = 0
        for index, item in enumerate(value):
            count += self._value(items, item, NOTHING, (path, index))
        return count

    def _junctors(self, rules: ValueValidation, value: Json, old: Json | Nothing, path: Path) -> int:
        count = 0
        if rules.any_of:
            count += self._any_of(rules.any_of, value, old, path)
        if rules.one_of:
            count += self._one_of(rules.one_of, value, old, path)
        if rules.all_of:
            count += self._all_of(rules.all_of, value, old, path)
        if rules.negated is not None and not self._tried(rules.negated, value, old, path)[0]:
            self._faults.append(partial(valuechecks.told_junctor, path, "must not validate the schema (not)"))
        return count

    def _any_of(self, schemas: Sequence[Schema], value: Json, old: Json | Nothing, path: Path) -> int:
        failed: list[tuple[Faults, int]] = []
        for schema in schemas:
            faults, count = self._tried(schema, value, old, path)
            if not faults:
                return count
            failed.append((faults, count))
        told = "must validate at least one schema (anyOf)"
        self._faults.append(partial(valuechecks.told_junctor, path, told))
        return self._tell_best(failed)

    def _one_of(self, schemas: Sequence[Schema], value: Json, old: Json | Nothing, path: Path) -> int:
        tried = [self._tried(schema, value, old, path) for schema in schemas]
        fitting = [count for faults, count in tried if not faults]
        if len(fitting) == 1:
            return fitting[0]
        how_many = f"Found {len(fitting)} valid alternatives" if fitting else "Found none valid"
        told = f"must validate one and only one schema (oneOf). {how_many}"
        self._faults.append(partial(valuechecks.told_junctor, path, told))
        return 0 if fitting else self._tell_best(tried)

    def _all_of(self, schemas: Sequence[Schema], value: Json, old: Json | Nothing, path: Path) -> int:
        total, fitting = 0, 0
        for schema in schemas:
            before = len(self._faults)
            total += self._value(schema, value, old, path)
            fitting += len(self._faults) == before
        if fitting < len(schemas):
            told = f"must validate all the schemas (allOf){'' if fitting else '. None validated'}"
            self._faults.append(partial(valuechecks.told_junctor, path, told))
        return total

    def _tried(self, schema: Schema, value: Json, old: Json | Nothing, path: Path) -> tuple[Faults, int]:
        """What is wrong by one alternative, and how much fits."""
        faults: Faults = []
        return faults, _Walk(faults)._value(schema, value, old, path)

    def _tell_best(self, failed: Sequence[tuple[Faults, int]]) -> int:
        """Tells of the alternative that fits best, the first of equals."""
        faults, count = max(failed, key=lambda one: one[1])
        self._faults.extend(faults)
        return count


def _before(schema: Schema, value: list[Json], old: list[Json]) -> list[Json | Nothing]:
    """What each item was: told apart by keys, or by its place where nothing is said of the list."""
    if schema.list_type == "map":
        known = {_text(listtypes.keys_of(item, schema.map_keys)): item for item in old if isinstance(item, dict)}
        return [
            known.get(_text(listtypes.keys_of(item, schema.map_keys)), NOTHING) if isinstance(item, dict) else NOTHING
            for item in value
        ]
    if schema.list_type:
        return [NOTHING] * len(value)
    return [*old[: len(value)], *[NOTHING] * (len(value) - len(old))]


def _is_same(one: Json, other: Json) -> bool:
    return _text(one) == _text(other)


def _text(value: Json) -> bytes:
    """Equal for values that are: 1 is neither true nor 1.0."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
