"""Lists whose items have to differ: sets by what they are, maps by their keys.

Source: https://github.com/kubernetes/apiextensions-apiserver/blob/master/pkg/apiserver/schema/listtype/validation.go
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from podlab.api.values.jsonvalues import Json
from podlab.errors import Cause
from podlab.schemas import causes
from podlab.schemas.schema import Schema


def check(value: Json, schema: Schema, path: str = "") -> Iterator[Cause]:
    """Each item that repeats another, once."""
    if not schema.has_keyed_lists:
        return
    if isinstance(value, dict):
        for name, member in value.items():
            known = schema.properties.get(name)
            if known is not None:
                yield from check(member, known, f"{path}.{name}" if path else name)
            elif schema.values is not None:
                yield from check(member, schema.values, f"{path}[{name}]")
    elif isinstance(value, list):
        if schema.list_type == "set" and not _surely_differ(value):
            yield from _repeated(value, path)
        elif schema.list_type == "map":
            yield from _map(value, schema.map_keys, path)
        if schema.items is not None and schema.items.has_keyed_lists:
            for index, item in enumerate(value):
                yield from check(item, schema.items, f"{path}[{index}]")


def keys_of(item: dict[str, Json], keys: Sequence[str]) -> dict[str, Json]:
    """What tells an item of a list of type map apart: its keys, without those that it does not say."""
    return {key: item[key] for key in keys if key in item}


def _map(items: list[Json], keys: Sequence[str], path: str) -> Iterator[Cause]:
    for index, item in enumerate(items):
        if item is not None and not isinstance(item, dict):
            yield causes.invalid(f"{path}[{index}]", item, "must be an object for an array of list-type map")
            return
    if not _surely_differ([tuple((item or {}).get(key) for key in keys) for item in items]):
        yield from _repeated([keys_of(item or {}, keys) for item in items], path)


def _surely_differ(values: Sequence[Json]) -> bool:
    """A quick answer for most lists, whose values are scalars and different by any measure."""
    try:
        return len(set(values)) == len(values)
    except TypeError:  # an object or a list
        return False


def _repeated(items: Sequence[Json], path: str) -> Iterator[Cause]:
    """The second of those that are equal; a third is not told as well."""
    seen: dict[bytes, int] = {}
    for index, item in enumerate(items):
        text = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
        seen[text] = seen.get(text, 0) + 1
        if seen[text] == 2:
            yield causes.duplicate(f"{path}[{index}]", item)
