"""Models of custom kinds, from the schemas that their definitions have. Pure.

Source: https://github.com/kubernetes/apiextensions-apiserver/blob/master/pkg/controller/openapi/builder/builder.go
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from master.apiserver.openapi import models
from master.apiserver.openapi.models import Schema
from podlab.api.kinds import Kind
from podlab.api.values.jsonvalues import Json

Props = Mapping[str, Json]
"""A JSONSchemaProps as JSON."""

_NOT_PUBLISHED: Final = frozenset(("example", "externalDocs", "id", "$schema"))
_INT_OR_STRING: Final = [{"type": "integer"}, {"type": "string"}]


def name(kind: Kind) -> str:
    """What its model is called: com.example.v1.CronTab."""
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.name])


def model(props: Props | None, kind: Kind, object_meta: Schema) -> Schema:
    """The model of a kind's objects; `object_meta` refers to that of their metadata.

    Of a kind without a schema it says nothing more, for clients would take that to be all that there is.
    """
    identity = {"x-kubernetes-group-version-kind": [models.group_version_kind(kind)]}
    if props is None:
        return {"type": "object", **identity}
    made = _published(props, object_meta)
    made["properties"] = {**made.get("properties", {}), **_of_objects(object_meta)}
    return {**made, **identity}


def _of_objects(object_meta: Schema) -> dict[str, Schema]:
    """What each object of the API has."""
    described = "The object's name, labels and what else all kinds have."
    return {**models.TYPE_META, "metadata": {**object_meta, "description": described}}


def _published(props: Props, object_meta: Schema) -> Schema:
    made: Schema = {name: value for name, value in props.items() if name not in _NOT_PUBLISHED}
    for inner in ("items", "additionalProperties", "not"):
        if isinstance(made.get(inner), Mapping):
            made[inner] = _published(made[inner], object_meta)
    for junctor in ("allOf", "anyOf", "oneOf"):
        if junctor in made:
            made[junctor] = [_published(part, object_meta) for part in made[junctor]]
    if "properties" in made:
        made["properties"] = {name: _published(one, object_meta) for name, one in sorted(made["properties"].items())}
    if made.get("x-kubernetes-int-or-string"):
        _say_types(made)
    if made.get("x-kubernetes-embedded-resource"):
        made["properties"] = {**made.get("properties", {}), **_of_objects(object_meta)}
        made["required"] = list(dict.fromkeys([*made.get("required", ()), "kind", "apiVersion"]))
    return made


def _say_types(made: Schema) -> None:
    """What an int-or-string is, for clients that do not know the extension."""
    all_of = made.get("allOf", [])
    if made.get("anyOf") == _INT_OR_STRING or (all_of and all_of[0].get("anyOf") == _INT_OR_STRING):
        return
    if "anyOf" in made:
        made["allOf"] = [{"anyOf": _INT_OR_STRING}, *all_of]
    else:
        made["anyOf"] = _INT_OR_STRING
