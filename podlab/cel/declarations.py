"""How a function is declared to the compiler, and carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass

from podlab.cel import costs
from podlab.cel.values import DefaultMap, Instant, KeyedList, LazyMap, OptionalValue, SetList, Span, Uint

Implementation = Callable[..., object]
Cost = Callable[..., int]
"""Of the arguments, in CEL's units."""


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature of a function. Types are written as the compiler reads them: list<int>, map<string, dyn>, ~A."""

    parameters: tuple[str, ...]
    """Of a function that is called on its target, the target's type is the first."""
    result: str
    implementation: Implementation
    _: KW_ONLY
    cost: Cost = costs.nominal
    member: bool = False
    """Whether it is called on a target: target.function(...)."""
    declared: bool = True
    """Whether the compiler has to be told: it knows the standard functions, and those of extensions that it has."""

    def identity(self, function: str) -> str:
        """What the compiler knows it by."""
        return f"{'.' if self.member else ''}{function}({','.join(self.parameters)})"


@dataclass(frozen=True, slots=True)
class Library:
    """Functions that belong together, and the types that only they have."""

    functions: dict[str, tuple[Overload, ...]]
    types: dict[str, type]
    """The classes of opaque types, by the name that the compiler knows."""


_CLASSES: dict[str, frozenset[type]] = {
    "int": frozenset({int}),
    "uint": frozenset({Uint}),
    "double": frozenset({float}),
    "bool": frozenset({bool}),
    "string": frozenset({str}),
    "bytes": frozenset({bytes}),
    "list": frozenset({list, SetList, KeyedList}),
    "map": frozenset({dict, LazyMap, DefaultMap}),
    "timestamp": frozenset({Instant}),
    "duration": frozenset({Span}),
    "optional_type": frozenset({OptionalValue}),
}


def accepted(parameter: str, opaque: Mapping[str, type]) -> frozenset[type] | None:
    """The classes of values that such a parameter takes, without a look into lists and maps; None for all."""
    name = parameter.partition("<")[0]
    if name == "dyn" or name.startswith("~"):
        return None
    return _CLASSES.get(name) or frozenset({opaque[name]})


def method(
    target: str, result: str, implementation: Implementation, *parameters: str, cost: Cost = costs.nominal
) -> Overload:
    """A function of its target."""
    return Overload((target, *parameters), result, implementation, cost=cost, member=True)


def function(result: str, implementation: Implementation, *parameters: str, cost: Cost = costs.nominal) -> Overload:
    """A function without a target."""
    return Overload(parameters, result, implementation, cost=cost)


def known(target: str, implementation: Implementation, *parameters: str, cost: Cost = costs.nominal) -> Overload:
    """A function of its target that the compiler declares by itself."""
    return Overload((target, *parameters), "", implementation, cost=cost, member=True, declared=False)


def known_function(implementation: Implementation, *parameters: str, cost: Cost = costs.nominal) -> Overload:
    """A function without a target that the compiler declares by itself."""
    return Overload(parameters, "", implementation, cost=cost, declared=False)
