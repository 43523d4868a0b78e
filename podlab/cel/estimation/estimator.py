"""What an expression may cost at most, found out before it is evaluated: of values as large as they may become.

Each part costs what it does when it is evaluated. A loop costs as often what its body does as its list may have items.
What a function makes is as large as the largest that it is given; of what nothing is known, little is assumed: an
estimate may be too low, and then the evaluation runs into its limit.
Source: cel-go's checker/cost.go, and Kubernetes' apiserver/pkg/cel/library/cost.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podlab.cel import costs
from podlab.cel.estimation.sizes import UNKNOWN, Sized, largest, takes
from podlab.cel.planning import Functions, appended
from podlab.foreign.cel.v1.checked_pb2 import Call, Comprehension, Constant, Expr, Select

# What they make is a number or a truth, however large what they look at.
_SMALL = frozenset({"size", "indexOf", "lastIndexOf", "contains", "startsWith", "endsWith", "matches", "int", "double"})
_OF_PREFIX = frozenset({"startsWith", "endsWith"})
_PARTS = {"split": "list", "findAll": "list"}


@dataclass(frozen=True, slots=True)
class _Estimate:
    cost: int
    value: Sized = UNKNOWN


class Estimator:
    """Of expressions that read these variables."""

    def __init__(self, functions: Functions, variables: Mapping[str, Sized]) -> None:
        self._functions = functions
        self._known = dict(variables)

    def cost(self, expression: Expr) -> int:
        """In CEL's units."""
        return self._of(expression).cost

    def _of(self, node: Expr) -> _Estimate:
        match node.WhichOneof("expr_kind"):
            case "const_expr":
                return _Estimate(0, _constant(node.const_expr))
            case "ident_expr":
                return _Estimate(1, self._known.get(node.ident_expr.name.removeprefix("."), UNKNOWN))
            case "select_expr":
                return self._select(node.select_expr)
            case "call_expr":
                return self._call(node.call_expr)
            case "list_expr":
                found = [self._of(element) for element in node.list_expr.elements]
                item = max((one.value for one in found), key=lambda one: one.most, default=None)
                total = costs.LIST_CREATION + sum(one.cost for one in found)
                return _Estimate(total, Sized("list", len(found), item))
            case "struct_expr":
                entries = node.struct_expr.entries
                parts = [
                    one for entry in entries for one in (entry.map_key, entry.value) if one.WhichOneof("expr_kind")
                ]
                made = costs.OBJECT_CREATION if node.struct_expr.message_name else costs.MAP_CREATION
                return _Estimate(made + sum(self.cost(part) for part in parts), Sized("map", len(entries)))
            case "comprehension_expr":
                return self._loop(node.comprehension_expr)
        return _Estimate(0)

    def _select(self, select: Select) -> _Estimate:
        operand = self._of(select.operand)
        if select.test_only:
            return _Estimate(operand.cost)
        return _Estimate(operand.cost + 1, _member(operand.value, select.field))

    def _call(self, call: Call) -> _Estimate:
        parts = [call.target, *call.args] if call.HasField("target") else list(call.args)
        found = [self._of(part) for part in parts]
        total = sum(one.cost for one in found)
        values = [one.value for one in found]
        if call.function == "_?_:_":
            longer = max(found[1:], key=lambda one: one.value.most)
            return _Estimate(found[0].cost + max(one.cost for one in found[1:]), longer.value)
        if call.function in ("_&&_", "_||_"):
            return _Estimate(total)
        return _Estimate(total + self._own(call, values), _result(call, values))

    def _own(self, call: Call, values: list[Sized]) -> int:
        if call.function in _OF_PREFIX:
            return costs.first(largest(values[-1]))
        if call.function == "_+_" and values[0].kind == "list":
            return 1
        overloads = [
            one
            for one in self._functions.get(call.function, ())
            if one.member is call.HasField("target") and len(one.parameters) == len(values)
        ]
        meant = [one for one in overloads if takes(one, values)]
        arguments = [largest(value) for value in values]
        return max((one.cost(*arguments) for one in meant or overloads), default=1)

    def _loop(self, fold: Comprehension) -> _Estimate:
        over, start = self._of(fold.iter_range), self._of(fold.accu_init)
        outer = self._known
        item = over.value.item or UNKNOWN
        is_map = over.value.kind == "map"
        key = Sized("string", 1) if is_map else UNKNOWN
        own = {fold.iter_var: key, fold.iter_var2: item} if fold.iter_var2 else {fold.iter_var: key if is_map else item}
        self._known = {**outer, **own, fold.accu_var: start.value}
        added = appended(fold.loop_step, fold.accu_var)
        each = self.cost(fold.loop_condition) + self.cost(fold.loop_step)
        made = Sized("list", over.value.most, self._of(added[1]).value) if added is not None else start.value
        self._known = {**outer, fold.accu_var: made}
        result = self._of(fold.result)
        self._known = outer
        times = over.value.most if over.value.kind in ("list", "map") else 0
        return _Estimate(over.cost + start.cost + times * each + result.cost, result.value)


def _constant(constant: Constant) -> Sized:
    if constant.WhichOneof("constant_kind") == "string_value":
        return Sized("string", len(constant.string_value))
    return UNKNOWN


def _member(value: Sized, name: str) -> Sized:
    """What a field, an entry or an item of it is."""
    return value.fields.get(name) or value.item or UNKNOWN


def _result(call: Call, values: list[Sized]) -> Sized:
    name = call.function
    if name in ("_[_]", "_[?_]", "_?._"):
        key = call.args[-1].const_expr.string_value
        return _member(values[0], key)
    if name in _PARTS:
        return Sized(_PARTS[name], values[0].most, Sized("string", values[0].most))
    if name in _SMALL or (name.startswith("_") and name != "_+_") or not values:
        return UNKNOWN
    if name == "_+_":
        return Sized(values[0].kind, sum(one.most for one in values), values[0].item)
    return values[0]
