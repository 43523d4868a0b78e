"""Who manages which fields of an object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import orjson

from podlab.apply.field_set import FieldSet


class Operation(StrEnum):
    """How a manager came by its fields."""

    APPLY = "Apply"
    UPDATE = "Update"


@dataclass(frozen=True, slots=True)
class Manager:
    """One that manages fields. Who applies is one manager whatever the version; who updates is another in each."""

    name: str
    operation: Operation
    api_version: str = ""
    """Empty for those who apply."""
    subresource: str = ""

    @property
    def identifier(self) -> str:
        """What managers are sorted by."""
        told = {
            "manager": self.name,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "subresource": self.subresource,
        }
        return orjson.dumps({name: value for name, value in told.items() if value}).decode()

    def __str__(self) -> str:
        """As conflicts name it."""
        text = orjson.dumps(self.name).decode()
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation is Operation.UPDATE else text


@dataclass(frozen=True, slots=True)
class Managed:
    """The fields of one manager, in the terms of a version, and when it last wrote one: seconds since 1970."""

    fields: FieldSet
    api_version: str
    time_s: int | None = None

    def of(self, fields: FieldSet) -> Managed:
        """With other fields."""
        return self if fields is self.fields else replace(self, fields=fields)

    def at(self, time_s: int) -> Managed:
        """Written at another time."""
        return Managed(self.fields, self.api_version, time_s)


Managers = Mapping[Manager, Managed]

ANCIENT = "ancient-changes"
BEFORE_FIRST_APPLY = "before-first-apply"
UNKNOWN = "unknown"
# So many managers that update are told apart.
MOST_UPDATERS = 10


def manager(name: str, operation: Operation, api_version: str, subresource: str = "") -> Manager:
    """Whoever writes so."""
    version = "" if operation is Operation.APPLY else api_version
    return Manager(name or UNKNOWN, operation, version, subresource)


def in_order(managers: Managers) -> list[tuple[Manager, Managed]]:
    """As managedFields lists them."""
    return sorted(
        managers.items(),
        key=lambda one: (one[0].operation, one[1].time_s or 0, one[0].name, one[1].api_version, one[0].subresource),
    )


def capped(managers: Managers, most: int = MOST_UPDATERS) -> Managers:
    """With the oldest of too many that update as one, for each version."""
    updaters = [one for one in managers if one.operation is Operation.UPDATE]
    if len(updaters) <= most:
        return managers
    kept = dict(managers)
    left = len(updaters)
    first: dict[str, Manager] = {}
    for one in sorted(updaters, key=lambda one: (managers[one].time_s or 0, one.identifier)):
        if left <= most:
            break
        version = managers[one].api_version
        bucket = manager(ANCIENT, Operation.UPDATE, version)
        if version not in first:
            first[version] = one
            continue
        if bucket not in kept:
            kept[bucket] = kept.pop(first[version])
        merged = managers[one].fields | kept[bucket].fields
        del kept[one]
        kept[bucket] = Managed(merged, version, managers[one].time_s)
        left -= 1
    return kept


def none_empty(managers: Iterable[tuple[Manager, Managed]]) -> dict[Manager, Managed]:
    """Without those that manage nothing any more."""
    return {one: managed for one, managed in managers if managed.fields}
