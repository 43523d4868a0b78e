"""Schemas of messages, from their shapes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from master.apiserver.openapi import customschemas, models
from master.apiserver.openapi.customschemas import Props
from master.apiserver.openapi.models import REF, Schema
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.values.jsonvalues import Json
from podlab.meta.v1 import meta_pb2
from podlab.shapes.messages import shape_of
from podlab.shapes.shape import Field, List, ListType, Map, ScalarType, Shape, Struct

_TYPES: Mapping[ScalarType, Schema] = {
    ScalarType.STRING: {"type": "string"},
    ScalarType.BOOLEAN: {"type": "boolean"},
    ScalarType.INT32: {"type": "integer", "format": "int32"},
    ScalarType.INT64: {"type": "integer", "format": "int64"},
    ScalarType.UINT32: {"type": "integer", "format": "int64"},
    ScalarType.DOUBLE: {"type": "number", "format": "double"},
    ScalarType.BYTES: {"type": "string", "format": "byte"},
}
_EMPTY: Mapping[str, Json] = {"string": "", "boolean": False, "integer": 0, "number": 0}


class Schemas:
    """The models that are needed, each made once, with the models that it refers to.

    `custom` has the schemas of custom kinds, None for one without.
    """

    def __init__(self, descriptions: Mapping[str, str], custom: Mapping[Kind, Props | None]) -> None:
        self._descriptions = descriptions
        self._custom = custom
        self.made: dict[str, Schema] = {}

    def is_custom(self, kind: Kind) -> bool:
        """Whether a definition describes the kind, and no message does."""
        return kind in self._custom

    def of_kind(self, kind: Kind) -> str:
        """The name of a kind's model."""
        if kind in self._custom:
            made = customschemas.name(kind)
            metadata = _inner(self._struct(shape_of(meta_pb2.ObjectMeta)))
            self.made.setdefault(made, customschemas.model(self._custom[kind], kind, metadata))
            return made
        made = self._struct(shape_of(kind.message))
        schema = self.made[made]
        schema.setdefault("x-kubernetes-group-version-kind", [models.group_version_kind(kind)])
        schema["properties"] = {**models.TYPE_META, **schema["properties"]}
        return made

    def list_of(self, kind: Kind) -> str:
        """The name of the model of a kind's lists."""
        item = self.of_kind(kind)
        made = item.removesuffix(kind.name) + kind.list_kind
        metadata = self._struct(shape_of(meta_pb2.ListMeta))
        self.made[made] = {
            "type": "object",
            "description": f"A list of objects of kind {kind.name}.",
            "required": ["items"],
            "properties": {
                **models.TYPE_META,
                "items": {"type": "array", "items": _inner(item), "description": "The objects."},
                "metadata": {
                    **_inner(metadata),
                    "description": "At which revision the list was made, and what is left of it.",
                },
            },
            "x-kubernetes-group-version-kind": [{**models.group_version_kind(kind), "kind": kind.list_kind}],
        }
        return made

    def status(self) -> str:
        """What tells how a call ended."""
        made = self._struct(shape_of(meta_pb2.Status))
        schema = self.made[made]
        schema["properties"] = {**models.TYPE_META, **schema["properties"]}
        schema["x-kubernetes-group-version-kind"] = [{"group": "", "version": "v1", "kind": "Status"}]
        return made

    def delete_options(self, groups: Iterable[tuple[str, str]]) -> str:
        """How objects are deleted; it is of every group and version."""
        made = self.of_kind(kinds.of(meta_pb2.DeleteOptions))
        self.made[made]["x-kubernetes-group-version-kind"] = [
            {"group": group, "version": version, "kind": "DeleteOptions"} for group, version in groups
        ]
        return made

    def plain(self, *names: str) -> None:
        """Those that are no messages."""
        self.made |= {name: models.PLAIN[name] for name in names}

    def _struct(self, struct: Struct) -> str:
        """The name of an object's model."""
        made = models.name(struct.name)
        if made not in self.made:
            self.made[made] = {}  # for those that refer to themselves
            self.made[made] = self._object(struct)
        return made

    def _object(self, struct: Struct) -> Schema:
        schema: Schema = {"type": "object", "description": self._descriptions.get(struct.name, "")}
        required = sorted(name for name, field in struct.fields.items() if field.required)
        if required:
            schema["required"] = required
        schema["properties"] = {name: self._property(field) for name, field in sorted(struct.fields.items())}
        if struct.is_atomic:
            schema["x-kubernetes-map-type"] = "atomic"
        return schema

    def _property(self, field: Field) -> Schema:
        described = {"description": self._descriptions.get(field.declared, "")}
        return {**described, **self._value(field.shape), **_default(field), **_extensions(field)}

    def _value(self, shape: Shape) -> Schema:
        if isinstance(shape, Map):
            return {"type": "object", "additionalProperties": self._value(shape.value)}
        if isinstance(shape, List):
            return {"type": "array", "items": self._value(shape.item)}
        if isinstance(shape, Struct):
            return _inner(self._struct(shape))
        if shape.name:
            made = models.name(shape.name)
            self.made[made] = models.SCALARS[shape.name]
            return _inner(made)
        return {**_TYPES[shape.type], **({"enum": list(shape.values)} if shape.values else {})}


def _inner(name: str) -> Schema:
    return {"allOf": [{"$ref": REF + name}]}


def _default(field: Field) -> Schema:
    """What it is when nothing is said: what the API says, or what JSON always has."""
    if field.default is not None:
        return {"default": field.default}
    if not field.always or isinstance(field.shape, List | Map):
        return {}
    if isinstance(field.shape, Struct):
        return {"default": {}}
    return {} if field.shape.name else {"default": _EMPTY[_TYPES[field.shape.type]["type"]]}


def _extensions(field: Field) -> Schema:
    """How the field is merged, and whom its parts belong to."""
    shape, made = field.shape, _list_extensions(field.shape) if isinstance(field.shape, List) else {}
    merges = isinstance(shape, List) and shape.merges
    told = {"merge": merges, "retainKeys": field.retains_keys, "replace": field.replaced}
    strategies = [name for name, is_so in told.items() if is_so]
    if strategies:
        made["x-kubernetes-patch-strategy"] = ",".join(strategies)
    if field.is_atomic is not None:
        made["x-kubernetes-map-type"] = "atomic" if field.is_atomic else "granular"
    return made


def _list_extensions(shape: List) -> Schema:
    made: Schema = {"x-kubernetes-list-type": shape.type.value}
    if shape.type is ListType.MAP:
        made["x-kubernetes-list-map-keys"] = list(shape.keys)
    if shape.merge_key:
        made["x-kubernetes-patch-merge-key"] = shape.merge_key
    return made
