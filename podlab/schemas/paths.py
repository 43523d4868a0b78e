"""Paths into values, as walks build them: cheap to extend, written only when something is told of them."""

from __future__ import annotations

Path = tuple["Path", str | int] | None
"""What stands above, and the name of a member or the number of an item; None is the value itself."""


def written(path: Path) -> str:
    """spec.ports[0].name; empty for the value itself."""
    steps: list[str] = []
    while path is not None:
        path, step = path
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    return "".join(reversed(steps)).removeprefix(".")
