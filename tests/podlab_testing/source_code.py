"""Our own source code as the architecture tests read it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@cache
def modules() -> dict[str, Path]:
    """Every module that is written by hand, by its dotted name."""
    paths = (path for package in ("podlab", "master", "node") for path in (PROJECT / package).rglob("*.py"))
    written = (path for path in paths if "_pb2" not in path.name)
    return {_dotted(path): path for path in written}


@cache
def imports(module: str) -> frozenset[str]:
    """What the module imports, wherever in it; for `from a import b` both `a` and `a.b`."""
    found: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text())


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
