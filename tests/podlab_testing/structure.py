"""What the code's structure is, measured from its imports and definitions.

A package is `podlab`, or a folder of `master` or `node`. Its rooms are the folders and files directly in it.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from podlab_testing.source_code import PROJECT, modules, tree

LONG = 40
"""Lines that a function may have, its signature and docstring included."""


@dataclass(frozen=True, slots=True)
class Package:
    """The structure of one package."""

    name: str
    rooms: frozenset[str]
    arrows: frozenset[tuple[str, str]]
    """Pairs of rooms of which the first imports the second."""
    twins: tuple[str, ...]
    """Names that more than one class of the package has."""

    @property
    def both_ways(self) -> list[tuple[str, str]]:
        """Pairs of rooms that import each other."""
        return sorted((one, other) for one, other in self.arrows if one < other and (other, one) in self.arrows)


@dataclass(frozen=True, slots=True)
class Count:
    """How often something occurs, by module."""

    by_module: Counter[str]

    @property
    def total(self) -> int:
        return self.by_module.total()


def package_of(module: str) -> str:
    """`podlab` for all that is below it; `master.store` for what is below that; `node` for a file directly in it."""
    top, *below = module.split(".")
    if top == "podlab" or not below:
        return top
    return f"{top}.{below[0]}" if (PROJECT / top / below[0]).is_dir() else top


def room_of(module: str) -> str:
    """The folder or file directly in its package that a module is or stands in; empty for the package itself."""
    return module.removeprefix(package_of(module)).lstrip(".").partition(".")[0]


@cache
def packages() -> tuple[Package, ...]:
    """All packages that have modules, by name."""
    members: dict[str, list[str]] = defaultdict(list)
    for module in modules():
        members[package_of(module)].append(module)
    return tuple(_package(name, of) for name, of in sorted(members.items()) if any(map(room_of, of)))


def files_per_folder() -> dict[str, int]:
    """How many modules stand directly in each folder, the folder's own `__init__.py` not counted."""
    counted: Counter[str] = Counter()
    for path in modules().values():
        if path.name != "__init__.py":
            counted[str(path.parent.relative_to(PROJECT))] += 1
    return dict(counted)


def long_functions() -> dict[str, int]:
    """Functions and methods of more than LONG lines, with how many they have."""
    found = {}
    for module in modules():
        for name, function in _functions(tree(module)):
            assert function.end_lineno is not None
            lines = function.end_lineno - function.lineno + 1
            if lines > LONG:
                found[f"{module}.{name}"] = lines
    return found


def casts() -> Count:
    """Calls of typing's `cast`."""
    return _count(lambda node: isinstance(node, ast.Call) and _called(node.func) == "cast")


def anys() -> Count:
    """Uses of `Any`, imports not counted."""
    return _uses("Any")


def json_values() -> Count:
    """Uses of `Json`, which the type checker takes for `Any`."""
    return _uses("Json")


def _package(name: str, members: list[str]) -> Package:
    arrows = {
        (room_of(module), room_of(imported))
        for module in members
        for imported in _imported(module)
        if package_of(imported) == name and room_of(imported) != room_of(module)
    }
    nodes = (node for module in members for node in ast.walk(tree(module)))
    classes = Counter(node.name for node in nodes if isinstance(node, ast.ClassDef))
    return Package(
        name,
        frozenset(filter(None, map(room_of, members))),
        frozenset(arrow for arrow in arrows if all(arrow)),
        tuple(sorted(each for each, times in classes.items() if times > 1)),
    )


def _imported(module: str) -> set[str]:
    """Modules of ours that a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names if names <= modules().keys() else {node.module, *names}
    return found & modules().keys()


def _functions(inside: ast.AST, path: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(inside):
        below = path
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            below = f"{path}.{node.name}".lstrip(".")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield below, node
        yield from _functions(node, below)


def _uses(name: str) -> Count:
    return _count(lambda node: isinstance(node, ast.Name) and node.id == name)


def _count(wanted: Callable[[ast.AST], bool]) -> Count:
    return Count(Counter({module: sum(map(wanted, ast.walk(tree(module)))) for module in modules()}))


def _called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
