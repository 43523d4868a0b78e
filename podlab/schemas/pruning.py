"""Pruning: what the schema does not know is dropped, and told by its path.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning
"""

from __future__ import annotations

from typing import Final

from podlab.api.values.jsonvalues import Json
from podlab.schemas.paths import Path, written
from podlab.schemas.schema import ANYTHING, CONTAINERS, Schema

OBJECT_FIELDS: Final = frozenset(("apiVersion", "kind", "metadata"))
"""What each object of the API has, whatever its schema says."""


def prune(value: Json, schema: Schema, *, root: bool = True) -> list[str]:
    """Drops what the schema does not name, in place. Returns the paths of what was dropped, sorted.

    `root` says that the value is an object of the API, which keeps its apiVersion, kind and metadata.
    """
    dropped: list[str] = []
    if root and isinstance(value, dict):
        _members(value, schema, None, dropped, keeps=schema.preserves_unknown, embedded=True)
    else:
        _prune(value, schema, None, dropped)
    return sorted(dropped)


def _prune(value: Json, schema: Schema | None, path: Path, dropped: list[str], *, keeps: bool = False) -> None:
    """`keeps` where the value is an item of a list that preserves unknown fields."""
    keeps = keeps or (schema is not None and schema.preserves_unknown)
    if schema is None and keeps:
        return
    if isinstance(value, dict):
        _members(value, schema or ANYTHING, path, dropped, keeps=keeps, embedded=schema is not None and schema.embedded)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if type(item) in CONTAINERS:
                _prune(item, schema.items if schema else None, (path, index), dropped, keeps=keeps)


def _members(
    value: dict[str, Json], schema: Schema, path: Path, dropped: list[str], *, keeps: bool, embedded: bool
) -> None:
    unknown: list[str] = []
    for name, member in value.items():
        if embedded and name in OBJECT_FIELDS:
            continue
        known = schema.properties.get(name)
        if known is None and schema.additional is None:
            unknown.append(name)
        elif type(member) in CONTAINERS:
            _prune(member, known or schema.values, (path, name), dropped)
    if not keeps:
        for name in unknown:
            dropped.append(written((path, name)))
            del value[name]
