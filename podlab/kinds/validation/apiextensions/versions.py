"""A version of a kind: its schema, subresources, columns and selectable fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.apiextensions.v1 import customresourcedefinition_pb2 as pb
from podlab.kinds.validation.apiextensions import schemas
from podlab.kinds.validation.findings import Findings
from podlab.schemas import fieldpaths
from podlab.schemas.definitions import structural
from podlab.schemas.schema import parse

Version = pb.CustomResourceDefinitionVersion

_COLUMN_TYPES: Final = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS: Final = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_MOST_WARNING_BYTES, _MOST_SELECTABLE_FIELDS = 256, 8


def check(found: Findings, spec: pb.CustomResourceDefinitionSpec, version: Version, path: str) -> None:
    """What one version says, but for what all versions have alike."""
    _check_warning(found, version, f"{path}.deprecationWarning")
    if not _is_alike(spec, _schema):
        schemas.check(found, schema_of(version), has_status=_has_status(version), path=f"{path}.schema")
    if not _is_alike(spec, _subresources):
        _check_subresources(found, version.subresources, f"{path}.subresources")
    if not _is_alike(spec, _columns):
        _check_columns(found, version.additionalPrinterColumns, f"{path}.additionalPrinterColumns")
    if not _is_alike(spec, _selectable_fields):
        _check_selectable_fields(found, version, f"{path}.selectableFields")


def check_hoisted(found: Findings, spec: pb.CustomResourceDefinitionSpec) -> None:
    """What all versions have alike, which Kubernetes looks for in the spec."""
    if not spec.versions:
        return
    first = spec.versions[0]
    if _is_alike(spec, _schema):
        has_status = any(_has_status(version) for version in spec.versions)
        schemas.check(found, schema_of(first), has_status=has_status, path="spec.validation")
    if _is_alike(spec, _subresources):
        _check_subresources(found, first.subresources, "spec.subresources")
    if _is_alike(spec, _columns):
        _check_columns(found, first.additionalPrinterColumns, "spec.additionalPrinterColumns")
    if _is_alike(spec, _selectable_fields):
        _check_selectable_fields(found, first, "spec.selectableFields")


def check_costs(
    found: Findings, spec: pb.CustomResourceDefinitionSpec, old: pb.CustomResourceDefinitionSpec | None = None
) -> None:
    """What rules of schemas may cost at most: of those that have been so before, it is not asked again."""
    before = [version.schema for version in old.versions] if old is not None else []
    wanted = [(index, version) for index, version in enumerate(spec.versions) if version.schema not in before]
    if _is_alike(spec, _schema):
        for _, version in wanted[:1]:
            schemas.check_costs(found, schema_of(version), "spec.validation")
        return
    for index, version in wanted:
        schemas.check_costs(found, schema_of(version), f"spec.versions[{index}].schema")


def schema_of(version: Version) -> dict[str, Json] | None:
    """The version's schema as JSON; None where it has none."""
    if not version.schema.HasField("openAPIV3Schema"):
        return None
    return codec.part_to_dict(version.schema.openAPIV3Schema)


def _is_alike(spec: pb.CustomResourceDefinitionSpec, said: Callable[[Version], object]) -> bool:
    """Whether all versions say the same."""
    first = said(spec.versions[0])
    return all(said(version) == first for version in spec.versions[1:])


def _schema(version: Version) -> object:
    return version.schema


def _subresources(version: Version) -> object:
    return version.HasField("subresources"), version.subresources


def _columns(version: Version) -> object:
    return list(version.additionalPrinterColumns)


def _selectable_fields(version: Version) -> object:
    return list(version.selectableFields)


def _has_status(version: Version) -> bool:
    return version.subresources.HasField("status")


def _check_warning(found: Findings, version: Version, path: str) -> None:
    if not version.HasField("deprecationWarning"):
        return
    warning = version.deprecationWarning
    if not version.deprecated:
        found.invalid(path, warning, "can only be set for deprecated versions")
        return
    if len(warning.encode()) > _MOST_WARNING_BYTES:
        found.invalid(path, warning, f"must be <= {_MOST_WARNING_BYTES} characters long")
    if not warning:
        found.invalid(path, warning, "must not be an empty string")
    strange = next((index for index, letter in enumerate(warning) if not letter.isprintable()), None)
    if strange is not None:
        place = len(warning[:strange].encode())
        told = f"must only contain printable UTF-8 characters; non-printable character found at index {place}"
        found.invalid(path, warning, told)


def _check_subresources(found: Findings, subresources: pb.CustomResourceSubresources, path: str) -> None:
    if not subresources.HasField("scale"):
        return
    scale = subresources.scale
    _check_path(found, scale.specReplicasPath, f"{path}.scale.specReplicasPath", below=(".spec",))
    _check_path(found, scale.statusReplicasPath, f"{path}.scale.statusReplicasPath", below=(".status",))
    if scale.labelSelectorPath:
        _check_path(found, scale.labelSelectorPath, f"{path}.scale.labelSelectorPath", below=(".spec", ".status"))


def _check_path(found: Findings, value: str, path: str, *, below: Sequence[str] = ()) -> None:
    if not value:
        found.required(path)
    elif not value.startswith("."):
        found.invalid(path, value, "must be a simple json path starting with .")
    elif below and not value.startswith(tuple(f"{one}." for one in below)):
        where = below[0] if len(below) == 1 else f"either {' or '.join(below)}"
        found.invalid(path, value, f"should be a json path under {where}")


def _check_columns(found: Findings, columns: Sequence[pb.CustomResourceColumnDefinition], path: str) -> None:
    for index, column in enumerate(columns):
        where, types = f"{path}[{index}]", f"must be one of {','.join(_COLUMN_TYPES)}"
        if not column.name:
            found.required(f"{where}.name")
        if not column.type:
            found.required(f"{where}.type", types)
        elif column.type not in _COLUMN_TYPES:
            found.invalid(f"{where}.type", column.type, types)
        if column.format and column.format not in _COLUMN_FORMATS:
            found.invalid(f"{where}.format", column.format, f"must be one of {','.join(_COLUMN_FORMATS)}")
        _check_path(found, column.jsonPath, f"{where}.JSONPath")


def _check_selectable_fields(found: Findings, version: Version, path: str) -> None:
    props = schema_of(version)
    if not version.selectableFields or props is None or structural.unsupported(props):
        return
    schema, names = parse(props), set[tuple[str, ...]]()
    for index, selectable in enumerate(version.selectableFields):
        where, said = f"{path}[{index}].jsonPath", selectable.jsonPath
        if not said:
            found.required(where)
            continue
        field = fieldpaths.resolve(said, schema, brackets=False)
        if isinstance(field, str):
            found.invalid(where, said, f"is an invalid path: {field}")
            continue
        if field.names[:1] == ("metadata",):
            found.invalid(where, said, "must not point to fields in metadata")
        if field.schema.type not in ("string", "boolean", "integer"):
            allowed = "Enum string fields and strings with formats are allowed."
            found.invalid(where, said, f"must point to a field of type string, boolean or integer. {allowed}")
        if field.names in names:
            found.duplicate(where, said)
        names.add(field.names)
    found.too_many(path, len(names), _MOST_SELECTABLE_FIELDS)
