"""Defaults of members that are missing, and nulls that say nothing.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting
"""

from __future__ import annotations

from podlab.api.values.jsonvalues import Json
from podlab.schemas.schema import CONTAINERS, Schema


def set_defaults(value: Json, schema: Schema) -> None:
    """Sets what is missing, in place: below what is there, and below the defaults themselves.

    A null that may not be one counts as missing.
    """
    if not schema.has_defaults:
        return
    if isinstance(value, dict):
        for name, one in schema.properties.items():
            if one.default is not None and (name not in value or _is_refused_null(value[name], one)):
                value[name] = _copy(one.default)
        for name, member in value.items():
            known = schema.properties.get(name) or schema.values
            if known is not None and known.has_defaults:
                value[name] = _defaulted(member, known)
    elif isinstance(value, list) and schema.items is not None:
        value[:] = [_defaulted(item, schema.items) for item in value]


def drop_nulls(value: Json, schema: Schema) -> None:
    """Drops members that are null and may not be, in place; those with a default stay for `set_defaults`."""
    if isinstance(value, dict):
        for name, member in list(value.items()):
            known = schema.properties.get(name) or schema.values
            if known is None:
                continue
            if _is_refused_null(member, known) and known.default is None:
                del value[name]
            elif type(member) in CONTAINERS:
                drop_nulls(member, known)
    elif isinstance(value, list) and schema.items is not None:
        for item in value:
            if type(item) in CONTAINERS:
                drop_nulls(item, schema.items)


def _defaulted(value: Json, schema: Schema) -> Json:
    if _is_refused_null(value, schema):
        value = _copy(schema.default)
    set_defaults(value, schema)
    return value


def _is_refused_null(value: Json, schema: Schema) -> bool:
    return value is None and not schema.nullable


def _copy(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _copy(member) for name, member in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
