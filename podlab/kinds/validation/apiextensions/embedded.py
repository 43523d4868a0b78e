"""Objects of the API inside others: each says what it is, and has metadata that an object may have."""

from __future__ import annotations

from collections.abc import Iterator

from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.errors import BadRequest, Cause
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.metadata import check_metadata
from podlab.meta.v1 import meta_pb2
from podlab.schemas import causes
from podlab.schemas.schema import Schema


def faults(schema: Schema, value: Json, path: str = "") -> Iterator[Cause]:
    """What is wrong with objects that the schema says are embedded in the value."""
    if not schema.has_embedded:
        return
    if isinstance(value, dict):
        if schema.embedded:
            yield from _object(value, f"{path}." if path else "")
        for name, member in value.items():
            known = schema.properties.get(name)
            if known is not None:
                yield from faults(known, member, f"{path}.{name}" if path else name)
            elif schema.values is not None:
                yield from faults(schema.values, member, f"{path}[{name}]")
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            yield from faults(schema.items, item, f"{path}[{index}]")


def _object(value: dict[str, Json], path: str) -> Iterator[Cause]:
    for name in ("apiVersion", "kind"):
        said, where = value.get(name), f"{path}{name}"
        if name not in value or said == "":
            yield causes.required(where)
        elif not isinstance(said, str):
            yield causes.invalid(where, said, "must be a string")
        elif name == "kind" and (wrong := syntax.label_1035(said.lower())):
            told = f"may have mixed case, but should otherwise match: {','.join(wrong)}"
            yield causes.invalid(where, said, told)
        elif name == "apiVersion" and said.count("/") > 1:
            yield causes.invalid(where, said, f"unexpected GroupVersion string: {said}")
    if "metadata" in value:
        yield from _metadata(value["metadata"], path)


def _metadata(value: Json, path: str) -> Iterator[Cause]:
    try:
        metadata, _ = codec.part_from_dict_leniently(value, meta_pb2.ObjectMeta)
    except BadRequest as error:
        yield causes.invalid(f"{path}metadata", value, error.message)
        return
    metadata.name = metadata.name or "unnamed"  # an embedded object need not have one
    found = Findings()
    check_metadata(found, metadata, syntax.path_segment, syntax.qualified_name, namespaced=bool(metadata.namespace))
    yield from (Cause(f"{path}{cause.field}", cause.reason, cause.message) for cause in found.causes)
