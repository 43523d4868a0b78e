"""What an expression may cost at most, found out before it is evaluated: of values as large as they may become.

Each part costs what it does when it is evaluated. A loop costs as often what its body does as its list may have items.
Which definitions are refused depends on it, so sizes are known and unknown just where they are in Kubernetes.
Source: cel-go's checker/cost.go, and sizeEstimator in Kubernetes' apiextensions-apiserver/pkg/apiserver/schema/cel.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from podlab.cel import costs
from podlab.cel.estimation import types
from podlab.cel.estimation.functions import NOMINAL, Called, Given, called
from podlab.cel.estimation.sizes import (
    INDICES,
    ITEMS,
    KEYS,
    UNKNOWN,
    VALUES,
    Size,
    Sized,
    exactly,
    plus,
    times,
)
from podlab.foreign.cel.v1.checked_pb2 import Call, Comprehension, Constant, CreateStruct, Expr, Select, TypedExpr

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEPS: Final = {
    "index_list": ITEMS,
    "index_map": VALUES,
    "list_optindex_optional_int": ITEMS,
    "map_optindex_optional_value": VALUES,
}
_OF_OPTIONAL: Final = frozenset({"value", "or", "orValue"})


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a value stands in a variable; nothing is declared there if `of` is None."""

    of: Sized | None


@dataclass(frozen=True, slots=True)
class _Entries:
    """How large keys and values are of a list or map that the expression makes itself."""

    keys: Size
    values: Size


@dataclass(frozen=True, slots=True)
class _Local:
    """A variable of a loop. `spot` is None for what the expression makes itself."""

    spot: _Spot | None
    size: Size | None = None
    entries: _Entries | None = None


class Estimator:
    """Of one expression that reads these variables. `made` is what names of types, and parts of what it makes itself,
    are taken for: Kubernetes looks them up as if they were or stood in the variable."""

    def __init__(self, typed: TypedExpr, variables: Mapping[str, Sized], made: Sized | None = None) -> None:
        self._typed = typed
        self._variables = variables
        self._made = made
        self._locals: dict[str, _Local] = {}
        self._spots: dict[int, _Spot | None] = {}
        self._sizes: dict[int, Size] = {}
        self._entries: dict[int, _Entries] = {}

    def cost(self) -> int:
        """In CEL's units."""
        return self._cost(self._typed.expr)

    def _cost(self, node: Expr) -> int:
        match node.WhichOneof("expr_kind"):
            case "ident_expr":
                self._spots[node.id] = self._spot(node)
                return 1
            case "select_expr":
                return self._select(node, node.select_expr)
            case "call_expr":
                return self._call(node, node.call_expr)
            case "list_expr":
                return self._list(node)
            case "struct_expr":
                return self._struct(node, node.struct_expr)
            case "comprehension_expr":
                return self._loop(node, node.comprehension_expr)
        return 0

    def _select(self, node: Expr, select: Select) -> int:
        total = self._cost(select.operand)
        if select.test_only:
            return total
        spot = self._spot(select.operand)
        has_parts = spot is not None and spot.of is not None and bool(spot.of.fields or spot.of.item)
        if has_parts or types.has_fields(self._type(select.operand)):
            total = plus(total, 1)
        self._spots[node.id] = self._below(spot, select.field)
        return total

    def _call(self, node: Expr, call: Call) -> int:
        arguments = sum(self._cost(argument) for argument in call.args)
        if call.function == "dyn":
            self._copy(node, call.args[0])
            return plus(1, arguments)
        if call.function == "_?_:_":
            return self._conditional(node, call)
        target = self._cost(call.target) if call.HasField("target") else 0
        given = self._given(call)
        overloads = self._typed.reference_map[node.id].overload_id
        found = [called(call.function, overload, given) for overload in overloads]
        if call.function in ("_==_", "_!=_") and all(
            types.is_of_library(self._type(argument)) for argument in call.args
        ):
            found = [NOMINAL]
        self._keep_spot(node, call, overloads)
        result = self._result(node, call, found)
        if result is not None:
            self._sizes[node.id] = result
        own = max((one.cost for one in found), default=0)
        if call.function in ("_&&_", "_||_"):
            own = 0
        return plus(plus(target, arguments), own)

    def _given(self, call: Call) -> Given:
        arguments = tuple(self._known(argument) for argument in call.args)
        if not call.HasField("target"):
            return Given(None, arguments)
        return Given(self._known(call.target), arguments, self._items(call.target))

    def _items(self, target: Expr) -> Size | None:
        """Of a list the characters of each item, none for items that are no texts; None of what is no list."""
        spot = self._spot(target)
        declared = spot.of if spot is not None else None
        is_list, is_text = types.list_of_text(self._type(target), declared)
        if not is_list:
            return None
        if not is_text:
            return exactly(0)
        item = self._below(spot, ITEMS).of if spot is not None else None
        return Size(0, item.most) if item is not None else UNKNOWN

    def _keep_spot(self, node: Expr, call: Call, overloads: types.Overloads) -> None:
        """Of an item, an entry, or what an optional value holds: Kubernetes does not look for the latter, and so takes
        it for what has no bound."""
        if call.function in _OF_OPTIONAL and call.HasField("target"):
            self._spots[node.id] = self._spot(call.target)
        elif call.function == "_?._":
            self._spots[node.id] = self._below(self._spot(call.args[0]), call.args[1].const_expr.string_value)
        for overload in overloads:
            if (step := _STEPS.get(overload)) is not None:
                spot = self._spot(call.args[0])
                declared = spot.of if spot is not None else None
                step = VALUES if declared is not None and declared.kind == "map" else step
                self._spots[node.id] = self._below(spot, step)

    def _result(self, node: Expr, call: Call, found: list[Called]) -> Size | None:
        sizes = [one.result for one in found if one.result is not None]
        if call.function == "_+_" and len(call.args) == 2:
            one, other = (self._entries_of(argument) for argument in call.args)
            if one is not None and other is not None:
                self._entries[node.id] = _either(one, other)
        if call.function == "split" and len(call.args) > 1 and call.args[1].const_expr.int64_value > 0:
            return Size(0, call.args[1].const_expr.int64_value)
        if sizes:
            result = sizes[0]
            for other_size in sizes[1:]:
                result = result.either(other_size)
            return result
        if call.function == "_[_]" and (entries := self._entries_of(call.args[0])) is not None:
            return entries.values
        return self._size(node)

    def _conditional(self, node: Expr, call: Call) -> int:
        condition, one, other = (self._cost(argument) for argument in call.args)
        first, second = call.args[1:]
        self._sizes[node.id] = self._known(first).either(self._known(second))
        entries, other_entries = self._entries_of(first), self._entries_of(second)
        if entries is not None and other_entries is not None:
            self._entries[node.id] = _either(entries, other_entries)
        return plus(condition, max(one, other))

    def _list(self, node: Expr) -> int:
        elements = node.list_expr.elements
        total = costs.LIST_CREATION + sum(self._cost(element) for element in elements)
        self._entries[node.id] = _Entries(exactly(1), _any_of([self._known(element) for element in elements]))
        return total

    def _struct(self, node: Expr, struct: CreateStruct) -> int:
        if struct.message_name:
            return costs.OBJECT_CREATION + sum(self._cost(entry.value) for entry in struct.entries)
        total = costs.MAP_CREATION
        for entry in struct.entries:
            total = plus(total, self._cost(entry.map_key) + self._cost(entry.value))
        keys = _any_of([self._known(entry.map_key) for entry in struct.entries])
        self._entries[node.id] = _Entries(keys, _any_of([self._known(entry.value) for entry in struct.entries]))
        return total

    def _loop(self, node: Expr, fold: Comprehension) -> int:
        total = plus(self._cost(fold.iter_range), self._cost(fold.accu_init))
        accumulator = _Local(self._spot(fold.accu_init), self._size(fold.accu_init), self._entries_of(fold.accu_init))
        with self._local(fold.accu_var, accumulator):
            if _is_binding(fold):
                total = plus(total, self._cost(fold.result))
                self._copy(node, fold.result)
                return total
            with self._turn(fold):
                each = plus(self._cost(fold.loop_condition), self._cost(fold.loop_step))
            total = plus(total, self._cost(fold.result))
        many = self._known(fold.iter_range)
        self._keep_made(node, fold, many)
        return plus(total, times(many.most, each))

    def _keep_made(self, node: Expr, fold: Comprehension, many: Size) -> None:
        match fold.accu_init.WhichOneof("expr_kind"):
            case "const_expr":
                self._sizes[node.id] = _of_constant(fold.accu_init.const_expr)
            case "list_expr" | "struct_expr":
                self._sizes[node.id] = many
                if (entries := self._entries_of(fold.loop_step)) is not None:
                    self._entries[node.id] = entries

    @contextmanager
    def _turn(self, fold: Comprehension) -> Iterator[None]:
        """One turn of a loop, with its variables."""
        spot, entries = self._spot(fold.iter_range), self._entries_of(fold.iter_range)
        is_list = types.is_list(self._type(fold.iter_range), spot.of if spot is not None else None)
        keys = entries.keys if entries is not None else None
        values = entries.values if entries is not None else None
        key = _Local(self._below(spot, INDICES if is_list else KEYS), keys)
        value = _Local(self._below(spot, ITEMS if is_list else VALUES), values)
        if fold.iter_var2:
            with self._local(fold.iter_var, key), self._local(fold.iter_var2, value):
                yield
        else:
            with self._local(fold.iter_var, value if is_list else key):
                yield

    @contextmanager
    def _local(self, name: str, local: _Local) -> Iterator[None]:
        outer = self._locals.get(name)
        self._locals[name] = local
        yield
        if outer is None:
            del self._locals[name]
        else:
            self._locals[name] = outer

    def _spot(self, node: Expr) -> _Spot | None:
        """None for what is part of no variable."""
        if node.WhichOneof("expr_kind") != "ident_expr":
            return self._spots.get(node.id)
        name = node.ident_expr.name.removeprefix(".")
        local = self._locals.get(name)
        return local.spot if local is not None else _Spot(self._variables.get(name, self._made))

    def _below(self, spot: _Spot | None, step: str) -> _Spot:
        if spot is None:
            return _Spot(self._made)
        return _Spot(spot.of.below(step) if spot.of is not None else None)

    def _known(self, node: Expr) -> Size:
        return self._size(node) or UNKNOWN

    def _size(self, node: Expr) -> Size | None:
        """None where nothing is known."""
        if (made := self._sizes.get(node.id)) is not None:
            return made
        match node.WhichOneof("expr_kind"):
            case "const_expr":
                return _of_constant(node.const_expr)
            case "list_expr":
                return exactly(len(node.list_expr.elements))
            case "struct_expr" if not node.struct_expr.message_name:
                return exactly(len(node.struct_expr.entries))
        spot = self._spot(node)
        if spot is not None and spot.of is not None:
            return Size(0, spot.of.most)
        if types.is_scalar(self._type(node)):
            return exactly(1)
        local = self._locals.get(node.ident_expr.name)
        return local.size if local is not None else None

    def _entries_of(self, node: Expr) -> _Entries | None:
        local = self._locals.get(node.ident_expr.name)
        return self._entries.get(node.id) or (local.entries if local is not None else None)

    def _copy(self, node: Expr, source: Expr) -> None:
        """What is known of one is known of the other."""
        size, entries = self._size(source), self._entries_of(source)
        if size is not None:
            self._sizes[node.id] = size
        if entries is not None:
            self._entries[node.id] = entries

    def _type(self, node: Expr) -> types.Type:
        return self._typed.type_map[node.id]


def _any_of(sizes: list[Size]) -> Size:
    if not sizes:
        return exactly(0)
    return Size(min(one.least for one in sizes), max(one.most for one in sizes))


def _either(one: _Entries, other: _Entries) -> _Entries:
    return _Entries(one.keys.either(other.keys), one.values.either(other.values))


def _is_binding(fold: Comprehension) -> bool:
    """Whether it is what cel.bind() becomes."""
    over, condition = fold.iter_range, fold.loop_condition
    is_empty = over.WhichOneof("expr_kind") == "list_expr" and not over.list_expr.elements
    never = condition.const_expr.WhichOneof("constant_kind") == "bool_value" and not condition.const_expr.bool_value
    return is_empty and never


def _of_constant(constant: Constant) -> Size:
    match constant.WhichOneof("constant_kind"):
        case "string_value":
            return exactly(len(constant.string_value))
        case "bytes_value":
            return exactly(len(constant.bytes_value))
    return exactly(1)
