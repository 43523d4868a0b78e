"""Compiles expressions: parsed and type-checked by Google's compiler of CEL, evaluated by planning.py.

Google's runtime is not used: it bounds an evaluation at ten thousand turns of loops, whatever they cost, and knows no
values of types such as Kubernetes' quantities. docs/design/cel.md has the comparison.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from cel_expr_python import cel
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError

from podlab.cel import literals
from podlab.cel.construction import Construction
from podlab.cel.declarations import Library, Overload
from podlab.cel.estimation.estimator import Estimator
from podlab.cel.estimation.sizes import Sized
from podlab.cel.frame import PER_CALL_LIMIT, Budget, Frame, Step
from podlab.cel.planning import Planner
from podlab.cel.types import DeclaredType, descriptors, type_spec
from podlab.cel.values import CompileError
from podlab.foreign.cel.v1.checked_pb2 import CheckedExpr, TypedExpr

# The compiler's own extensions, in the versions that Kubernetes has.
_EXTENSIONS: list[dict[str, str | int]] = [
    {"name": "bindings"},
    {"name": "optional"},
    {"name": "sets"},
    {"name": "strings", "version": 2},
    {"name": "two-var-comprehensions"},
]
_STATUS = re.compile(r"^(?:INVALID_ARGUMENT|CANCELLED): | \[(?:INVALID_ARGUMENT|CANCELLED)\]$")
_UNDEFINED_FIELD = re.compile(r"(undefined field '[^']*') not found in struct '[^']*'")

# Of a.b, of which nothing is declared, cel-go names a.
_UNDECLARED = re.compile(
    r"<input>:(?P<line>\d+):(?P<column>\d+): undeclared reference to '(?P<first>\w+)(?P<rest>(?:\.\w+)*)\.\w+'"
    r"(?P<text>[^\n]*\n \| [^\n]*\n \| )\.*\^"
)
# What the compiler says of the type of a part that it has refused before.
_FOLLOWING = re.compile(r"\nERROR: [^\n]*'\*error\*'.*?(?=\nERROR: |$)", re.DOTALL)


class Program:
    """A compiled expression."""

    __slots__ = ("_slots", "_step", "result_type", "variables")

    def __init__(self, step: Step, slots: int, variables: frozenset[str], result_type: str) -> None:
        self._step = step
        self._slots = slots
        self.variables = variables
        """Which variables it reads."""
        self.result_type = result_type
        """As the compiler writes types: BOOL, STRING, DYN, LIST<INT>."""

    def evaluate(self, variables: Mapping[str, object], budget: Budget) -> object:
        """Its value, and the budget is charged. Raises EvaluationError when it has none, and CostLimitExceeded."""
        frame = Frame(variables, self._slots, min(PER_CALL_LIMIT, budget.remaining))
        try:
            value = self._step(frame)
            frame.charge(0)
        finally:
            budget.remaining -= frame.cost
        return value


class LibrarySet:
    """The functions that expressions may use. They are declared to the compiler once for all environments."""

    def __init__(self, libraries: tuple[Library, ...]) -> None:
        self.functions: dict[str, tuple[Overload, ...]] = {}
        for library in libraries:
            for name, overloads in library.functions.items():
                self.functions[name] = (*self.functions.get(name, ()), *overloads)
        self.types = {name: held for library in libraries for name, held in library.types.items()}
        declarations = [
            cel.FunctionDecl(name, declared)
            for name, overloads in self.functions.items()
            if (declared := _declared(name, overloads))
        ]
        self.extension = cel.CelExtension("podlab", declarations)


class Environment:
    """The variables and functions that expressions may use."""

    def __init__(
        self, variables: Mapping[str, DeclaredType], libraries: LibrarySet, made: Construction | None = None
    ) -> None:
        """With `made`, for the one expression that makes such objects."""
        self._libraries = libraries
        self._made = made
        config = {
            "name": "kubernetes",
            "extensions": _EXTENSIONS,
            "variables": [{"name": name, **type_spec(declared)} for name, declared in variables.items()],
        }
        self._compiler = cel.NewEnv(
            descriptors(variables, libraries.types, made.types if made is not None else ()),
            config=cel.NewEnvConfigFromYaml(json.dumps(config)),
            extensions=[libraries.extension],
        )

    def estimate(self, expression: str, variables: Mapping[str, Sized], made: Sized | None = None) -> int:
        """What the expression may cost at most, which compiles, when the variables are as large as they may become.
        `made` is what parts of what it makes itself are taken for."""
        compiled = self._compiler.compile(expression)
        typed = TypedExpr.FromString(AnyMessage.FromString(compiled.serialize()).value)
        return Estimator(typed, variables, made).cost()

    def compile(self, expression: str) -> Program:
        """Raises CompileError."""
        try:
            compiled = self._compiler.compile(expression)
        except RuntimeError as e:
            if not _STATUS.match(str(e)):
                raise
            told = _in_words_of_go(str(e))
            raise CompileError(told if self._made is None else self._made.restored(told)) from None
        try:
            checked = CheckedExpr.FromString(AnyMessage.FromString(compiled.serialize()).value)
            if wrong := list(literals.faults(checked, expression)):
                raise CompileError("\n".join(wrong))
            made = self._made.names if self._made is not None else {}
            planner = Planner(self._libraries.functions, self._libraries.types, made)
            step = planner.plan(checked)
        except (DecodeError, RecursionError):  # protobuf's parser goes a hundred levels deep
            raise CompileError("ERROR: <input>:1:1: expression is nested too deeply") from None
        except KeyError as e:
            raise CompileError(f"ERROR: <input>:1:1: undeclared reference to {e} (in container '')") from None
        return Program(step, planner.slots, frozenset(planner.variables), compiled.return_type().name())


def _declared(name: str, overloads: tuple[Overload, ...]) -> list[cel.Overload]:
    return [
        cel.Overload(
            one.identity(name),
            cel.Type(one.result),
            [cel.Type(parameter) for parameter in one.parameters],
            is_member=one.member,
        )
        for one in overloads
        if one.declared
    ]


def _in_words_of_go(message: str) -> str:
    message = _UNDECLARED.sub(_first_undeclared, message)
    message = _FOLLOWING.sub("", _UNDEFINED_FIELD.sub(r"\1", _STATUS.sub("", message)))
    for name, shorter in (("Timestamp", "timestamp"), ("Duration", "duration")):
        message = message.replace(f"google.protobuf.{name}", shorter)
    return message if message.startswith("ERROR: ") else f"ERROR: <input>:-1:-1: {message}"


def _first_undeclared(match: re.Match[str]) -> str:
    column = int(match["column"]) - len(match["first"] + match["rest"])
    place = f"<input>:{match['line']}:{column}: undeclared reference to '{match['first']}'"
    return f"{place}{match['text']}{'.' * (column - 1)}^"
