"""Objects that expressions make: Object{spec: Object.spec{replicas: 2}} and JSONPatch{op: "remove", path: "/spec/x"}.

Any field may be set: which ones an object has is found out when it becomes part of a real one. The compiler makes
messages alone, whose fields are declared, and whose names hold no dot where another message has a field. So each
expression gets messages of its own: those that it makes, with every name in it as a field, and a dot is written `_`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from podlab.cel.types import DYN, STRING, DeclaredType, ObjectOf

PATCH: Final = "JSONPatch"
OBJECT: Final = "Object"

_STRINGS = (
    r'[rR][bB]?"""(?:.|\n)*?"""',
    r"[rR][bB]?'''(?:.|\n)*?'''",
    r'[bB]?"""(?:\\.|[^\\])*?"""',
    r"[bB]?'''(?:\\.|[^\\])*?'''",
    r'[rR][bB]?"[^"\n]*"',
    r"[rR][bB]?'[^'\n]*'",
    r'[bB]?"(?:\\.|[^"\\\n])*"',
    r"[bB]?'(?:\\.|[^'\\\n])*'",
)
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_TOKEN = re.compile(
    rf"//[^\n]*|(?<![A-Za-z0-9_])(?:{'|'.join(_STRINGS)})"
    rf"|(?<![\w.])(?P<made>{OBJECT}(?:\.{_NAME})*)(?=\s*\{{)|(?P<name>{_NAME})"
)
_PATCH_FIELDS: Mapping[str, DeclaredType] = {"op": STRING, "path": STRING, "from": STRING, "value": DYN}


@dataclass(frozen=True, slots=True)
class Construction:
    """An expression as the compiler reads it, as long as it was, and the types of what it makes."""

    source: str
    names: Mapping[str, str] = field(default_factory=dict)
    """What types are called in expressions, by the name that the compiler knows."""
    types: tuple[ObjectOf, ...] = ()

    def restored(self, told: str) -> str:
        """What the compiler says, in the expression's own words."""
        for written, name in self.names.items():
            told = re.sub(rf"\b{written}\b", name, told)
        return told


def read(expression: str) -> Construction:
    """What the expression makes."""
    written: dict[str, str] = {OBJECT: OBJECT}
    fields: dict[str, DeclaredType] = {}

    def replaced(found: re.Match[str]) -> str:
        if name := found["made"]:
            fields.update(dict.fromkeys(name.split("."), DYN))
            return written.setdefault(name, _single_name(name, written.values()))
        if found["name"]:
            fields[found["name"]] = DYN
        return found[0]

    source = _TOKEN.sub(replaced, expression)
    made = tuple(ObjectOf(name, fields) for name in written.values())
    return Construction(source, {one: name for name, one in written.items()}, (*made, ObjectOf(PATCH, _PATCH_FIELDS)))


def _single_name(name: str, taken: Collection[str]) -> str:
    """One that is as long, so that errors say the right place, and that no other type has."""
    single = name.replace(".", "_")
    number = 0
    while single in taken:
        number += 1
        single = f"O{number:05}{single[len(OBJECT) :]}"
    return single
