"""Turns a checked expression into a step that evaluates it: one closure for each node, built once.

The compiler has expanded macros such as all() to comprehensions, see comprehensions.py.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

from podlab.cel import construction, costs
from podlab.cel.comprehensions import Loop, loop, quantifier
from podlab.cel.declarations import Overload, accepted
from podlab.cel.frame import Frame, Step
from podlab.cel.operators import map_key, optional_at
from podlab.cel.values import EvaluationError, NoSuchOverload, ObjectValue, OptionalValue, TypeValue, Uint
from podlab.foreign.cel.v1.checked_pb2 import (
    Call,
    CheckedExpr,
    Comprehension,
    Constant,
    CreateList,
    CreateStruct,
    Expr,
    Select,
)

_TYPES = frozenset(
    {
        *("int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type", "optional_type"),
        "google.protobuf.Timestamp",
        "google.protobuf.Duration",
    }
)
_LOGICAL = frozenset({"_&&_", "_||_", "!_", "_?_:_", "@not_strictly_false"})

Functions = Mapping[str, tuple[Overload, ...]]


class Planner:
    """Plans one expression. Loops' variables have numbered places in the frame."""

    def __init__(self, functions: Functions, types: Mapping[str, type], made: Mapping[str, str] | None = None) -> None:
        """`made` are the types of objects that the expression makes, by what the compiler calls them."""
        self._made = {construction.PATCH: construction.PATCH, **made} if made else {}
        self._functions = functions
        self._opaque = types
        self._types = _TYPES | types.keys()
        self._places: list[dict[str, Step]] = []
        self.slots = 0
        self.variables: set[str] = set()
        """What the expression asks for of what it is given."""

    def plan(self, checked: CheckedExpr) -> Step:
        """The whole expression."""
        return self._step(checked.expr)

    def _step(self, node: Expr) -> Step:
        match node.WhichOneof("expr_kind"):
            case "const_expr":
                return _constant(node.const_expr)
            case "ident_expr":
                return self._identifier(node.ident_expr.name)
            case "select_expr":
                return self._select(node.select_expr)
            case "call_expr":
                return self._call(node.call_expr)
            case "list_expr":
                return self._list(node.list_expr)
            case "struct_expr":
                return self._struct(node.struct_expr)
            case "comprehension_expr":
                return self._comprehension(node)
            case unknown:
                raise ValueError(f"an expression of kind {unknown}")

    def _identifier(self, name: str) -> Step:
        name = name.removeprefix(".")
        for scope in reversed(self._places):
            if name in scope:
                return scope[name]
        if name in self._types:
            named = TypeValue(name)
            return lambda frame: named
        self.variables.add(name)
        return _variable(name)

    def _select(self, select: Select) -> Step:
        operand = self._step(select.operand)
        return _has(operand, select.field) if select.test_only else _field(operand, select.field)

    def _call(self, call: Call) -> Step:
        if call.function in _LOGICAL:
            return _LOGIC[call.function]([self._step(argument) for argument in call.args])
        overloads = self._functions[call.function]
        nodes = [call.target, *call.args] if call.HasField("target") else list(call.args)
        fitting = tuple(
            one for one in overloads if one.member is call.HasField("target") and len(one.parameters) == len(nodes)
        )
        steps = [self._step(node) for node in nodes]
        if fitting and set(fitting[0].parameters) == {"dyn"}:
            return _operator(call.function, fitting[0], steps)
        return _function([(one, [accepted(each, self._opaque) for each in one.parameters]) for one in fitting], steps)

    def _list(self, created: CreateList) -> Step:
        steps = [self._step(element) for element in created.elements]
        optional = frozenset(created.optional_indices)

        def create(frame: Frame) -> object:
            frame.cost += costs.LIST_CREATION
            items: list[object] = []
            for index, step in enumerate(steps):
                value = step(frame)
                if index not in optional:
                    items.append(value)
                elif isinstance(value, OptionalValue) and value.present:
                    items.append(value.value)
            return items

        return create

    def _struct(self, created: CreateStruct) -> Step:
        if created.message_name:
            return self._object(created)
        entries = [
            (
                self._step(entry.map_key),
                self._step(entry.value),
                entry.optional_entry,
            )
            for entry in created.entries
        ]

        def create(frame: Frame) -> object:
            frame.cost += costs.MAP_CREATION
            made: dict[object, object] = {}
            for key_step, value_step, optional in entries:
                key, value = map_key(key_step(frame)), value_step(frame)
                if key in made:
                    raise EvaluationError(f"Failed with repeated key: {key}")
                if not optional:
                    made[key] = value
                elif isinstance(value, OptionalValue) and value.present:
                    made[key] = value.value
            return made

        return create

    def _object(self, created: CreateStruct) -> Step:
        """Raises KeyError for a type of which nobody makes objects."""
        name = self._made[created.message_name]
        entries = [(entry.field_key, self._step(entry.value), entry.optional_entry) for entry in created.entries]

        def create(frame: Frame) -> object:
            frame.cost += costs.OBJECT_CREATION
            made = ObjectValue(name)
            for field, step, optional in entries:
                value = step(frame)
                if not optional:
                    made[field] = value
                elif isinstance(value, OptionalValue) and value.present:
                    made[field] = value.value
            return made

        return create

    def _comprehension(self, node: Expr) -> Step:
        fold = node.comprehension_expr
        over, start = self._step(fold.iter_range), self._step(fold.accu_init)
        accumulator, first, second = range(self.slots, self.slots + 3)
        self.slots += 3
        own = {fold.accu_var: _accumulator(accumulator)}
        items = {fold.iter_var: _local(first)} | ({fold.iter_var2: _local(second)} if fold.iter_var2 else {})
        self._places.append(own | items)
        paired = second if fold.iter_var2 else None
        if (decisive := _decisive(fold)) is not None:
            predicate = self._step(fold.loop_step.call_expr.args[1])
            self._places.pop()
            return quantifier(over, predicate, decisive=decisive, first=first, second=paired)
        condition, step = self._step(fold.loop_condition), self._loop_step(fold.loop_step, fold.accu_var, accumulator)
        self._places[-1] = own
        result = self._step(fold.result)
        self._places.pop()
        return loop(
            Loop(over=over, start=start, condition=condition, step=step, result=result, accumulator=accumulator),
            first=first,
            second=paired,
        )

    def _loop_step(self, node: Expr, accumulator: str, place: int) -> Step:
        found = appended(node, accumulator)
        if found is None:
            return self._step(node)
        guard, item = found
        return _append(place, self._step(guard) if guard is not None else None, self._step(item))


def _constant(constant: Constant) -> Step:
    kind = constant.WhichOneof("constant_kind")
    if kind == "null_value":
        return _value(None)
    value = getattr(constant, str(kind))
    return _value(Uint(value) if kind == "uint64_value" else value)


def _value(value: object) -> Step:
    return lambda frame: value


def _local(place: int) -> Step:
    def read(frame: Frame) -> object:
        frame.cost += 1
        return frame.locals[place]

    return read


def _accumulator(place: int) -> Step:
    """What a loop has made so far, which may be that it failed."""

    def read(frame: Frame) -> object:
        frame.cost += 1
        value = frame.locals[place]
        if isinstance(value, EvaluationError):
            raise value
        return value

    return read


def _variable(name: str) -> Step:
    def read(frame: Frame) -> object:
        frame.cost += 1
        try:
            return frame.variables[name]
        except KeyError:
            raise EvaluationError(f"no such attribute(s): {name}") from None

    return read


def _field(operand: Step, name: str) -> Step:
    def read(frame: Frame) -> object:
        value = operand(frame)
        frame.cost += 1
        if isinstance(value, dict):
            try:
                return value[name]
            except KeyError:
                raise EvaluationError(f"no such key: {name}") from None
        if isinstance(value, OptionalValue):
            return optional_at(value, name)
        raise NoSuchOverload

    return read


def _has(operand: Step, name: str) -> Step:
    def read(frame: Frame) -> object:
        value = operand(frame)
        if isinstance(value, dict):
            return name in value
        if isinstance(value, OptionalValue):
            return optional_at(value, name).present
        raise NoSuchOverload

    return read


def _operator(name: str, overload: Overload, steps: list[Step]) -> Step:
    """A function that looks at the types of its arguments itself."""
    implementation, cost = overload.implementation, overload.cost
    if len(steps) != 2:
        return _function([(overload, [None] * len(steps))], steps)
    left, right = steps
    quick = _ON_INTEGERS.get(name)

    def call(frame: Frame) -> object:
        one, other = left(frame), right(frame)
        if quick is not None and type(one) is int and type(other) is int:
            frame.cost += 1
            return quick(one, other)
        frame.charge(cost(one, other))
        return implementation(one, other)

    return call


_ON_INTEGERS: dict[str, Callable[[int, int], object]] = {
    "_==_": operator.eq,
    "_!=_": operator.ne,
    "_<_": operator.lt,
    "_<=_": operator.le,
    "_>_": operator.gt,
    "_>=_": operator.ge,
}


def _function(overloads: list[tuple[Overload, list[frozenset[type] | None]]], steps: list[Step]) -> Step:
    """A function whose first overload that takes values of such types is meant."""

    def call(frame: Frame) -> object:
        arguments = [step(frame) for step in steps]
        for overload, taken in overloads:
            for value, classes in zip(arguments, taken, strict=True):
                if classes is not None and type(value) not in classes:
                    break
            else:
                frame.charge(overload.cost(*arguments))
                return overload.implementation(*arguments)
        raise NoSuchOverload

    return call


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise NoSuchOverload


def _and(steps: list[Step]) -> Step:
    return _either(steps, decisive=False)


def _or(steps: list[Step]) -> Step:
    return _either(steps, decisive=True)


def _either(steps: list[Step], *, decisive: bool) -> Step:
    """&& and ||: one side may decide, whatever becomes of the other."""
    left, right = steps

    def decide(frame: Frame) -> object:
        try:
            if _boolean(left(frame)) is decisive:
                return decisive
        except EvaluationError:
            if right(frame) is decisive:
                return decisive
            raise
        return _boolean(right(frame))

    return decide


def _not(steps: list[Step]) -> Step:
    (operand,) = steps

    def negate(frame: Frame) -> object:
        frame.cost += 1
        return not _boolean(operand(frame))

    return negate


def _conditional(steps: list[Step]) -> Step:
    condition, yes, no = steps
    return lambda frame: yes(frame) if _boolean(condition(frame)) else no(frame)


def _not_strictly_false(steps: list[Step]) -> Step:
    (operand,) = steps

    def judge(frame: Frame) -> object:
        frame.cost += 1
        try:
            return operand(frame) is not False
        except EvaluationError:
            return True

    return judge


_LOGIC: dict[str, Callable[[list[Step]], Step]] = {
    "_&&_": _and,
    "_||_": _or,
    "!_": _not,
    "_?_:_": _conditional,
    "@not_strictly_false": _not_strictly_false,
}


def _decisive(fold: Comprehension) -> bool | None:
    """What ends the loop of all() and exists(); None for other loops."""
    if fold.loop_condition.call_expr.function != "@not_strictly_false" or fold.result.ident_expr.name != fold.accu_var:
        return None
    return {"_&&_": False, "_||_": True}.get(fold.loop_step.call_expr.function)


def appended(step: Expr, accumulator: str) -> tuple[Expr | None, Expr] | None:
    """Of `result + [item]`, and `condition ? result + [item] : result`: the condition and the item."""
    call = step.call_expr
    if call.function == "_?_:_" and call.args[2].ident_expr.name == accumulator:
        inner = appended(call.args[1], accumulator)
        return (call.args[0], inner[1]) if inner is not None and inner[0] is None else None
    if call.function != "_+_" or call.args[0].ident_expr.name != accumulator:
        return None
    added = call.args[1].list_expr
    return (None, added.elements[0]) if len(added.elements) == 1 and not added.optional_indices else None


def _append(place: int, guard: Step | None, item: Step) -> Step:
    """Put the item at the end of the list that the loop is making: it is nobody else's yet."""

    def append(frame: Frame) -> object:
        made = frame.locals[place]
        if isinstance(made, EvaluationError):
            raise made
        assert isinstance(made, list)
        if guard is None or _boolean(guard(frame)):
            frame.cost += costs.LIST_CREATION + 1
            made.append(item(frame))
        return made

    return append
