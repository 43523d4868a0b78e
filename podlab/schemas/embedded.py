"""Objects of the API inside others: their metadata are read as those of all objects are."""

from __future__ import annotations

from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.errors import BadRequest
from podlab.meta.v1 import meta_pb2
from podlab.schemas import causes
from podlab.schemas.schema import Schema


def coerce(value: Json, schema: Schema) -> list[str]:
    """Drops, in place, what metadata of embedded objects do not know. Returns the paths of what was dropped, sorted.

    Raises BadRequest where apiVersion, kind or metadata have wrong types.
    """
    dropped: list[str] = []
    _coerce(value, schema, "", dropped)
    return sorted(dropped)


def _coerce(value: Json, schema: Schema, path: str, dropped: list[str]) -> None:
    if not schema.has_embedded:
        return
    if isinstance(value, dict):
        if schema.embedded:
            _coerce_object(value, path, dropped)
        for name, member in value.items():
            known = schema.properties.get(name) or schema.values
            if known is not None:
                _coerce(member, known, f"{path}.{name}" if path else name, dropped)
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            _coerce(item, schema.items, f"{path}[{index}]", dropped)


def _coerce_object(value: dict[str, Json], path: str, dropped: list[str]) -> None:
    for name in ("apiVersion", "kind"):
        if name in value and not isinstance(value[name], str):
            raise BadRequest(str(causes.invalid(f"{path}.{name}", value[name], "must be a string")))
    if "metadata" not in value:
        return
    where = f"{path}.metadata"
    try:
        metadata, unknown = codec.part_from_dict_leniently(value["metadata"], meta_pb2.ObjectMeta)
    except BadRequest as error:
        raise BadRequest(str(causes.invalid(where, value["metadata"], error.message))) from error
    dropped += [f"{where}.{name}" for name in unknown]
    value["metadata"] = codec.part_to_dict(metadata)
