"""Schemas of messages, from their descriptors. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from master.apiserver.openapi import facts, models
from master.apiserver.openapi.models import REF, Schema
from master.apiserver.patching import strategies
from podlab.api.encoding import child_type, is_inline, is_map
from podlab.api.kinds import DELETE_OPTIONS, Kind
from podlab.meta.v1 import meta_pb2, options_pb2

_TYPES: Mapping[int, Schema] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_INT64: {"type": "integer", "format": "int64"},
    FieldDescriptor.TYPE_UINT32: {"type": "integer", "format": "int64"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "format": "byte"},
}
_EMPTY: Mapping[str, Any] = {"string": "", "boolean": False, "integer": 0}
# What says of which kind an object is.
_TYPE_META: Mapping[str, Schema] = {
    "apiVersion": {
        "type": "string",
        "description": "The group and version of the kind: v1, apps/v1. The server takes what the address says for it.",
    },
    "kind": {"type": "string", "description": "The kind of the object. The server takes what the address says for it."},
}


class Schemas:
    """The models that are needed, each made once, with the models that it refers to."""

    def __init__(self, descriptions: Mapping[str, str]) -> None:
        self._descriptions = descriptions
        self.made: dict[str, Schema] = {}

    def of_kind(self, kind: Kind) -> str:
        """The name of a kind's model."""
        made = self._of(cast(Descriptor, kind.message.DESCRIPTOR))
        schema = self.made[made]
        schema.setdefault("x-kubernetes-group-version-kind", [models.group_version_kind(kind)])
        schema["properties"] = {**_TYPE_META, **schema["properties"]}
        return made

    def list_of(self, kind: Kind) -> str:
        """The name of the model of a kind's lists."""
        made, item = models.list_of(kind), self.of_kind(kind)
        metadata = self._of(meta_pb2.ListMeta.DESCRIPTOR)
        self.made[made] = {
            "type": "object",
            "description": f"A list of objects of kind {kind.name}.",
            "required": ["items"],
            "properties": {
                **_TYPE_META,
                "items": {"type": "array", "items": _inner(item), "description": "The objects."},
                "metadata": {
                    **_inner(metadata),
                    "description": "At which revision the list was made, and what is left of it.",
                },
            },
            "x-kubernetes-group-version-kind": [{**models.group_version_kind(kind), "kind": f"{kind.name}List"}],
        }
        return made

    def status(self) -> str:
        """What tells how a call ended."""
        made = self._of(meta_pb2.Status.DESCRIPTOR)
        schema = self.made[made]
        schema["properties"] = {**_TYPE_META, **schema["properties"]}
        schema["x-kubernetes-group-version-kind"] = [{"group": "", "version": "v1", "kind": "Status"}]
        return made

    def delete_options(self, groups: Iterable[tuple[str, str]]) -> str:
        """How objects are deleted; it is of every group and version."""
        made = self.of_kind(DELETE_OPTIONS)
        self.made[made]["x-kubernetes-group-version-kind"] = [
            {"group": group, "version": version, "kind": "DeleteOptions"} for group, version in groups
        ]
        return made

    def plain(self, *names: str) -> None:
        """Those that are no messages."""
        self.made |= {name: models.PLAIN[name] for name in names}

    def _of(self, descriptor: Descriptor) -> str:
        made = models.name(descriptor)
        if made not in self.made:
            if descriptor.full_name in models.SCALARS:
                self.made[made] = models.SCALARS[descriptor.full_name]
            else:
                self.made[made] = {}  # for those that refer to themselves
                self.made[made] = self._object(descriptor)
        return made

    def _object(self, descriptor: Descriptor) -> Schema:
        schema: Schema = {"type": "object", "description": self._descriptions.get(descriptor.full_name, "")}
        required = self._required(descriptor)
        if required:
            schema["required"] = required
        schema["properties"] = self._properties(descriptor)
        if descriptor.full_name in facts.WHOLE:
            schema["x-kubernetes-map-type"] = "atomic"
        return schema

    def _required(self, descriptor: Descriptor) -> list[str]:
        required: list[str] = []
        for field in descriptor.fields:
            if is_inline(field):
                required += self._required(child_type(field))
            elif _is_required(field):
                required.append(field.name)
        return sorted(required)

    def _properties(self, descriptor: Descriptor) -> dict[str, Schema]:
        properties: dict[str, Schema] = {}
        for field in descriptor.fields:
            if is_inline(field):
                properties |= self._properties(child_type(field))
            else:
                described = {"description": self._descriptions.get(field.full_name, "")}
                properties[field.name] = {**described, **self._field(field), **_extensions(field)}
        return dict(sorted(properties.items()))

    def _field(self, field: FieldDescriptor) -> Schema:
        if is_map(field):
            return {"type": "object", "additionalProperties": self._one(child_type(field).fields_by_name["value"])}
        if field.is_repeated:
            return {"type": "array", "items": self._one(field)}
        one = self._one(field)
        at = _at(field)
        if at in facts.DEFAULTS:
            one["default"] = facts.DEFAULTS[at]
        elif field.GetOptions().Extensions[options_pb2.always]:
            if "allOf" not in one:
                one["default"] = _EMPTY[one["type"]]
            elif child_type(field).full_name not in models.SCALARS:
                one["default"] = {}
        if at in facts.ENUMS:
            one["enum"] = list(facts.ENUMS[at])
        return one

    def _one(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None:
            return _inner(self._of(field.message_type))
        return dict(_TYPES[field.type])


def _inner(name: str) -> Schema:
    return {"allOf": [{"$ref": REF + name}]}


def _is_required(field: FieldDescriptor) -> bool:
    at = _at(field)
    always = field.GetOptions().Extensions[options_pb2.always] and at not in facts.OPTIONAL
    holds_message = field.message_type is not None and not field.is_repeated
    return at in facts.REQUIRED or (always and not holds_message)


def _extensions(field: FieldDescriptor) -> Schema:
    """How the field is merged."""
    at = _at(field)
    retained = ",retainKeys" if at in facts.RETAINED else ""
    if not field.is_repeated or is_map(field):
        return {"x-kubernetes-patch-strategy": "retainKeys"} if retained else {}
    if key := strategies.MERGE_KEYS.get(at):
        return {
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [key, *facts.FURTHER_KEYS.get(at, ())],
            "x-kubernetes-patch-merge-key": key,
            "x-kubernetes-patch-strategy": f"merge{retained}",
        }
    if at in strategies.SETS:
        return {"x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"}
    return {"x-kubernetes-list-type": "atomic"}


def _at(field: FieldDescriptor) -> facts.Field:
    assert field.containing_type is not None
    return field.containing_type.full_name, field.name
