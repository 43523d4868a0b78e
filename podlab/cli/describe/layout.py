"""Described objects as text: names and values, nested by indentation, values aligned among neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from podlab.cli.objects.printing import aligned

NONE = "<none>"


@dataclass(frozen=True)
class Field:
    """A name with lines beside it (none: `<none>`), lines below it, or fields of its own below it."""

    name: str
    beside: Sequence[str] = ()
    below: Sequence[str] = ()
    fields: Sequence[Field] = ()


Fields = list[Field]


def field(name: str, value: str | Sequence[str]) -> Field:
    """A value, or several under each other."""
    return Field(name, beside=[value] if isinstance(value, str) else value)


def group(name: str, fields: Sequence[Field]) -> Field:
    """Fields that belong together."""
    return Field(name, fields=fields)


def table(name: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Field:
    """A table below its name; `<none>` without rows."""
    kept = list(rows)
    underlined = ["-" * len(header) for header in headers]
    return Field(name, below=aligned([headers, underlined, *kept]) if kept else ())


def block(name: str, text: str) -> Field:
    """Text of several lines below its name."""
    return Field(name, below=text.splitlines())


def pairs(values: Mapping[str, str]) -> list[str]:
    """key=value, a line each, sorted."""
    return [f"{key}={values[key]}" for key in sorted(values)]


def render(fields: Sequence[Field], indent: int = 0) -> list[str]:
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
