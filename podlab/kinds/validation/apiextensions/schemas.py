"""The schema of a version's objects: structural, with defaults that fit, and with allowed keywords."""

from __future__ import annotations

from typing import Final

from podlab.kinds.validation.apiextensions import defaults
from podlab.kinds.validation.findings import Findings
from podlab.schemas import causes
from podlab.schemas.definitions import keywords, structural
from podlab.schemas.definitions.structural import Props
from podlab.schemas.schema import parse

# What may stand at the root where the status is a subresource, in the order and words of Kubernetes' message.
_AT_THE_ROOT: Final = {
    "description": "Description",
    "type": "Type",
    "format": "Format",
    "title": "Title",
    "maximum": "Maximum",
    "exclusiveMaximum": "ExclusiveMaximum",
    "minimum": "Minimum",
    "exclusiveMinimum": "ExclusiveMinimum",
    "maxLength": "MaxLength",
    "minLength": "MinLength",
    "pattern": "Pattern",
    "maxItems": "MaxItems",
    "minItems": "MinItems",
    "uniqueItems": "UniqueItems",
    "multipleOf": "MultipleOf",
    "required": "Required",
    "items": "Items",
    "properties": "Properties",
    "externalDocs": "ExternalDocs",
    "example": "Example",
    "x-kubernetes-preserve-unknown-fields": "XPreserveUnknownFields",
    "x-kubernetes-validations": "XValidations",
}


def check(found: Findings, props: Props | None, *, has_status: bool, path: str) -> None:
    """`path` is that of what holds the schema, `has_status` whether the status is a subresource."""
    if props is None:
        return
    where = f"{path}.openAPIV3Schema"
    if has_status:
        _check_root(found, props, where)
    if props.get("nullable"):
        found.forbidden(f"{where}.nullable", "nullable cannot be true at the root")
    without = structural.unsupported(props)
    faults = () if without else structural.faults(props, where)
    if not without and not faults:
        faults = tuple(defaults.faults(parse(props), where))
    before = found.count
    found.add(*faults, *keywords.faults(props, where))
    if without and found.count == before:
        found.invalid(where, "", without)


def _check_root(found: Findings, props: Props, where: str) -> None:
    if props.get("type", "object") != "object":
        told = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        found.invalid(f"{where}.type", props["type"], told)
    elif any(name not in _AT_THE_ROOT for name in props):
        allowed = f"[{' '.join(_AT_THE_ROOT.values())}]"
        told = f"only {allowed} fields are allowed at the root of the schema if the status subresource is enabled"
        found.add(causes.invalid(where, props, told))
