"""Described objects as text: names and values, nested by indentation, values aligned among neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from podlab.cli.objects.printing import aligned

NONE = "<none>"


@dataclass(frozen=True)
class LayoutField:
    """A name with lines beside it (none: `<none>`), lines below it, or fields of its own below it."""

    name: str
    beside: Sequence[str] = ()
    below: Sequence[str] = ()
    fields: Sequence[LayoutField] = ()


Fields = list[LayoutField]


def field(name: str, value: str | Sequence[str]) -> LayoutField:
    """A value, or several under each other."""
    return LayoutField(name, beside=[value] if isinstance(value, str) else value)


def group(name: str, fields: Sequence[LayoutField]) -> LayoutField:
    """Fields that belong together."""
    return LayoutField(name, fields=fields)


def table(name: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> LayoutField:
    """A table below its name; `<none>` without rows."""
    kept = list(rows)
    underlined = ["-" * len(header) for header in headers]
    return LayoutField(name, below=aligned([headers, underlined, *kept]) if kept else ())


def block(name: str, text: str) -> LayoutField:
    """Text of several lines below its name."""
    return LayoutField(name, below=text.splitlines())


def pairs(values: Mapping[str, str]) -> list[str]:
    """key=value, a line each, sorted."""
    return [f"{key}={values[key]}" for key in sorted(values)]


def render(fields: Sequence[LayoutField], indent: int = 0) -> list[str]:
    """Values of one level begin in the same column."""
    width = max((len(one.name) for one in fields if not one.below and not one.fields), default=0) + 3
    margin = " " * indent
    lines: list[str] = []
    for one in fields:
        name = f"{one.name}:"
        if one.below or one.fields:
            lines.append(margin + name)
            lines += [f"{margin}  {line}".rstrip() for line in one.below]
            lines += render(one.fields, indent + 2)
            continue
        first, *more = one.beside or (NONE,)
        lines.append(f"{margin}{name.ljust(width)}{first}".rstrip())
        lines += [f"{margin}{' ' * width}{line}" for line in more]
    return lines
