"""Fields that somebody applies and that others manage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from podlab.apply import path
from podlab.apply.field_set import FieldSet
from podlab.apply.managers import Manager
from podlab.apply.path import Path


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """One field of another manager's."""

    manager: Manager
    at: Path

    @property
    def field(self) -> str:
        """Where it is, for people."""
        return path.shown(self.at)


class Conflicts(Exception):
    """An applied configuration changes fields that others manage."""

    def __init__(self, found: tuple[FieldConflict, ...]) -> None:
        super().__init__(_message(found))
        self.found = found


def of(fields: Mapping[Manager, FieldSet]) -> tuple[FieldConflict, ...]:
    """A conflict for each field."""
    ordered = sorted(fields.items(), key=lambda one: one[0].identifier)
    return tuple(FieldConflict(manager, at) for manager, own in ordered for at in own)


def _message(found: tuple[FieldConflict, ...]) -> str:
    if len(found) == 1:
        return f"Apply failed with 1 conflict: conflict with {found[0].manager}: {found[0].field}"
    lines: list[str] = []
    last: Manager | None = None
    for one in found:
        if one.manager != last:
            lines.append(f"conflicts with {one.manager}:")
            last = one.manager
        lines.append(f"- {one.field}")
    return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)
