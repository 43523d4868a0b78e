"""What messages are called in OpenAPI, and the schemas that are not made from descriptors. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podlab.api.kinds import Kind

Schema = dict[str, Any]
REF = "#/components/schemas/"
META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_OURS = "podlab."
_NAMES: Mapping[str, str] = {
    "podlab.meta.v1.Quantity": "io.k8s.apimachinery.pkg.api.resource.Quantity",
    "podlab.meta.v1.IntOrString": "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
}
_PACKAGES: Mapping[str, str] = {
    "podlab.meta.v1": META,
    "podlab.metrics.v1beta1": "io.k8s.metrics.pkg.apis.metrics.v1beta1",
    "podlab.apiextensions.v1": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
}
_EXTRA_VALUE: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "description": "The values of one key of what is known of a user.",
}
# Scalars of JSON that are messages of ours.
SCALARS: Mapping[str, Schema] = {
    "podlab.meta.v1.Time": {
        "type": "string",
        "format": "date-time",
        "description": "A point in time, as RFC 3339 with whole seconds.",
    },
    "podlab.meta.v1.MicroTime": {
        "type": "string",
        "format": "date-time",
        "description": "A point in time, as RFC 3339 with microseconds.",
    },
    "podlab.meta.v1.Duration": {"type": "string", "description": "A span of time, such as 1m30s."},
    "podlab.meta.v1.Quantity": {
        "oneOf": [{"type": "string"}, {"type": "number"}],
        "description": "A fixed-point number with a unit suffix, such as 500m, 1.5 or 64Mi.",
    },
    "podlab.meta.v1.IntOrString": {
        "oneOf": [{"type": "integer"}, {"type": "string"}],
        "format": "int-or-string",
        "description": "A whole number, or a string such as a name or 25%.",
    },
    "podlab.meta.v1.RawExtension": {"type": "object", "description": "Any object, whatever its kind."},
    "podlab.apiextensions.v1.JSON": {"description": "Any JSON value."},
    "podlab.apiextensions.v1.JSONSchemaPropsOrArray": {"description": "A schema, or a list of schemas."},
    "podlab.apiextensions.v1.JSONSchemaPropsOrBool": {"description": "A schema, or whether anything is allowed."},
    "podlab.apiextensions.v1.JSONSchemaPropsOrStringArray": {"description": "A schema, or names of properties."},
    "podlab.meta.v1.FieldsV1": {
        "type": "object",
        "description": "A set of fields: each key is a step to a field (f:name, k:keys, v:value, i:index).",
    },
    "podlab.authentication.v1.ExtraValue": _EXTRA_VALUE,
    "podlab.authorization.v1.ExtraValue": _EXTRA_VALUE,
}
PATCH, WATCH_EVENT, STATUS = f"{META}.Patch", f"{META}.WatchEvent", f"{META}.Status"
DELETE_OPTIONS = f"{META}.DeleteOptions"
_RAW = "io.k8s.apimachinery.pkg.runtime.RawExtension"
# What is no message of ours.
PLAIN: Mapping[str, Schema] = {
    PATCH: {"type": "object", "description": "A patch, in the form that the Content-Type names."},
    _RAW: {"type": "object", "description": "An object of any kind."},
    WATCH_EVENT: {
        "type": "object",
        "description": "One event of a watch.",
        "required": ["type", "object"],
        "properties": {
            "type": {"type": "string", "default": "", "description": "ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."},
            "object": {
                "allOf": [{"$ref": REF + _RAW}],
                "description": "The object as it is now, or was before it was deleted; for ERROR a Status.",
            },
        },
        "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "WatchEvent"}],
    },
}


# What says of which kind an object is.
TYPE_META: Mapping[str, Schema] = {
    "apiVersion": {
        "type": "string",
        "description": "The group and version of the kind: v1, apps/v1. The server takes what the address says for it.",
    },
    "kind": {"type": "string", "description": "The kind of the object. The server takes what the address says for it."},
}


def name(full: str) -> str:
    """podlab.core.v1.Pod as io.k8s.api.core.v1.Pod."""
    if full in _NAMES:
        return _NAMES[full]
    package, _, message = full.rpartition(".")
    return f"{_PACKAGES.get(package, 'io.k8s.api.' + package.removeprefix(_OURS))}.{message}"


def of_kind(kind: Kind) -> str:
    """The name of a kind's own model."""
    return name(kind.message.DESCRIPTOR.full_name)


def group_version_kind(kind: Kind) -> dict[str, str]:
    """As extensions name a kind."""
    return {"group": kind.group, "version": kind.version, "kind": kind.name}
