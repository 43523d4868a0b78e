"""The schema of a version's objects: structural, with defaults that fit, and with allowed keywords."""

from __future__ import annotations

from typing import Final

from podlab.errors import Cause
from podlab.kinds.validation.apiextensions import defaults
from podlab.kinds.validation.findings import Findings
from podlab.schemas import causes
from podlab.schemas.definitions import keywords, structural
from podlab.schemas.definitions.structural import Props
from podlab.schemas.rules import checks as rules
from podlab.schemas.rules import estimates
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
    before = found.count
    without = structural.unsupported(props)
    found.add(*(() if without else _structure(props, where)), *keywords.faults(props, where))
    if found.count > before:
        return
    if without:
        found.invalid(where, "", without)
    else:
        found.add(*rules.faults(parse(props), where))


def check_costs(found: Findings, props: Props | None, path: str) -> None:
    """What its rules may cost at most. The schema is known to be right."""
    if props is not None:
        found.add(*estimates.faults(parse(props), f"{path}.openAPIV3Schema"))


def _structure(props: Props, where: str) -> tuple[Cause, ...]:
    """Defaults are asked about once the schema is structural."""
    return structural.faults(props, where) or tuple(defaults.faults(parse(props), where))


def _check_root(found: Findings, props: Props, where: str) -> None:
    if props.get("type", "object") != "object":
        told = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        found.invalid(f"{where}.type", props["type"], told)
    elif any(name not in _AT_THE_ROOT for name in props):
        allowed = f"[{' '.join(_AT_THE_ROOT.values())}]"
        told = f"only {allowed} fields are allowed at the root of the schema if the status subresource is enabled"
        found.add(causes.invalid(where, props, told))
