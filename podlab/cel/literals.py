"""Literals that can never be what a function takes: regular expressions, durations and timestamps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from podlab.cel import times
from podlab.cel.libraries.regexes import compiled
from podlab.cel.values import EvaluationError
from podlab.foreign.cel.v1.checked_pb2 import CheckedExpr, Expr

# By function, how its last argument is read.
_TAKEN: Mapping[str, Callable[[str], object]] = {
    "matches": compiled,
    "duration": times.parse_span,
    "timestamp": times.parse_instant,
}


def faults(checked: CheckedExpr, source: str) -> Iterator[str]:
    """What is wrong, as cel-go says it: ERROR: <input>:1:9: invalid matches argument."""
    for node in _nodes(checked.expr):
        function = node.call_expr.function
        read = _TAKEN.get(function)
        if read is None or not node.call_expr.args:
            continue
        literal = node.call_expr.args[-1]
        if literal.const_expr.WhichOneof("constant_kind") == "string_value":
            try:
                read(literal.const_expr.string_value)
            except EvaluationError:
                yield _told(checked, source, literal.id, f"invalid {function} argument")


def _nodes(node: Expr) -> Iterator[Expr]:
    """The node and all below it."""
    yield node
    for below in _below(node):
        yield from _nodes(below)


def _below(node: Expr) -> Iterator[Expr]:
    match node.WhichOneof("expr_kind"):
        case "select_expr":
            yield node.select_expr.operand
        case "call_expr":
            if node.call_expr.HasField("target"):
                yield node.call_expr.target
            yield from node.call_expr.args
        case "list_expr":
            yield from node.list_expr.elements
        case "struct_expr":
            for entry in node.struct_expr.entries:
                yield entry.map_key
                yield entry.value
        case "comprehension_expr":
            fold = node.comprehension_expr
            yield from (fold.iter_range, fold.accu_init, fold.loop_condition, fold.loop_step, fold.result)


def _told(checked: CheckedExpr, source: str, part: int, what: str) -> str:
    position = checked.source_info.positions[part]
    before = source[:position]
    line, column = before.count("\n"), position - (before.rfind("\n") + 1)
    return f"ERROR: <input>:{line + 1}:{column + 1}: {what}\n | {source.split(chr(10))[line]}\n | {'.' * column}^"
