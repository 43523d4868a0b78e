"""What a CustomResourceDefinition makes of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from podlab.api import definitions
from podlab.api.conversion import versions as versions_of
from podlab.api.kinds import CustomConversion, Kind
from podlab.api.serializer import custom
from podlab.api.values import jsonpath, versions
from podlab.api.values.jsonvalues import Json
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import (
    CustomResourceDefinition,
    CustomResourceDefinitionVersion,
)
from podlab.kinds.custom.columns import PrinterColumn, table
from podlab.kinds.custom.conversion import LoadSchema, NoneConversion, WebhookConversion
from podlab.kinds.custom.scaling import CustomScaling
from podlab.kinds.resource import Decode, Resource, Version
from podlab.kinds.scaling import TYPED, Scaling
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import SCALE, STATUS, Subresource

if TYPE_CHECKING:
    from podlab.kinds.custom.schema import VersionSchema


def resource_of(definition: CustomResourceDefinition, known: Resource | None = None) -> Resource:
    """The kind by the names that were accepted. What `known` was made of its versions' kinds stay the same objects:
    whoever watches them goes on. Raises ValueError for a definition without a storage version."""
    stored = definitions.storage_version(definition)
    if stored is None:
        raise ValueError(f"{definition.metadata.name}: no version is the storage version")
    schemas = {f"{definition.spec.group}/{one.name}": _schema(one) for one in definition.spec.versions}
    conversion = _conversion(definition, schemas)
    kinds = {kind.version: kind for kind in _kinds(known)}
    is_terminating = definitions.is_true(definition, definitions.TERMINATING)

    def kind_of(version: CustomResourceDefinitionVersion) -> Kind:
        return kinds.get(version.name) or _kind(definition, version, conversion)

    def resource(version: CustomResourceDefinitionVersion, of: Kind) -> Resource:
        load_schema = schemas[of.api_version]
        strategy = _strategy(load_schema, of, is_terminating=is_terminating)
        return replace(_resource(definition, version, kind, load_schema), load_strategy=strategy)

    kind = kind_of(stored)
    others = [version for version in definition.spec.versions if version.served and version is not stored]
    others.sort(key=lambda version: versions.priority(version.name), reverse=True)
    other_versions = [
        Version(
            other, partial(versions_of.custom_in, kind=kind), partial(versions_of.custom_in, kind=other), resource=own
        )
        for version in others
        for other in [kind_of(version)]
        for own in [resource(version, other)]
    ]
    return replace(resource(stored, kind), other_versions=tuple(other_versions))


def _conversion(
    definition: CustomResourceDefinition, schemas: Mapping[str, LoadSchema]
) -> NoneConversion | WebhookConversion | None:
    """None where there is nothing to convert."""
    if len(schemas) == 1:
        return None
    if definition.spec.conversion.strategy == definitions.WEBHOOK:
        return WebhookConversion(schemas, definition.metadata.name, definition.spec.conversion.webhook)
    return NoneConversion(schemas)


def _kinds(known: Resource | None) -> list[Kind]:
    return [] if known is None else [known.kind, *(one.kind for one in known.other_versions)]


def _kind(
    definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion, conversion: CustomConversion | None
) -> Kind:
    names = definition.status.acceptedNames
    return Kind(
        definition.spec.group,
        version.name,
        names.kind,
        names.plural,
        Custom,
        short_names=tuple(names.shortNames),
        namespaced=definition.spec.scope == definitions.NAMESPACED,
        categories=tuple(names.categories),
        singular_name=names.singular,
        list_name=names.listKind,
        custom_status=version.subresources.HasField("status"),
        conversion=conversion,
    )


def _resource(
    definition: CustomResourceDefinition,
    version: CustomResourceDefinitionVersion,
    stored: Kind,
    load_schema: LoadSchema,
) -> Resource:
    """What is known of one version."""
    return Resource(
        stored,
        serves_stored_version=version.served,
        subresources=_subresources(version),
        table=table(tuple(map(PrinterColumn.of, version.additionalPrinterColumns))),
        selectable_fields=tuple(field.jsonPath.removeprefix(".") for field in version.selectableFields),
        field_reader=_field_reader,
        load_decode=_decode(load_schema),
        scaling=_scaling(version),
        warnings=_warnings(definition, version),
        schema_of=lambda _: load_schema().props(),
        load_schema=lambda: load_schema().schema,
    )


def _subresources(version: CustomResourceDefinitionVersion) -> tuple[Subresource, ...]:
    served = {STATUS: version.subresources.HasField("status"), SCALE: version.subresources.HasField("scale")}
    return tuple(one for one, is_served in served.items() if is_served)


def _schema(version: CustomResourceDefinitionVersion) -> LoadSchema:
    """Keeps no more of the definition than the schema's bytes."""
    encoded = version.schema.openAPIV3Schema.SerializeToString()

    @cache
    def load() -> VersionSchema:
        from podlab.kinds.custom.schema import VersionSchema

        return VersionSchema(encoded)

    return load


def _strategy(load_schema: LoadSchema, kind: Kind, *, is_terminating: bool) -> Callable[[], Strategy]:
    def load() -> Strategy:
        from podlab.kinds.custom.writing import CustomWrites

        return CustomWrites(kind, load_schema(), is_terminating).strategy()

    return load


def _decode(load_schema: LoadSchema) -> Callable[[], Decode]:
    def load() -> Decode:
        from podlab.kinds.custom.writing import Decoder

        return Decoder(load_schema())

    return load


def _scaling(version: CustomResourceDefinitionVersion) -> Scaling:
    if not version.subresources.HasField("scale"):
        return TYPED
    paths = type(version.subresources.scale)()
    paths.CopyFrom(version.subresources.scale)
    return CustomScaling(paths)


def _warnings(definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion) -> tuple[str, ...]:
    """That the version is deprecated, and which one there is instead."""
    if not version.deprecated:
        return ()
    if version.HasField("deprecationWarning"):
        return (version.deprecationWarning,)
    group, kind = definition.spec.group, definition.spec.names.kind
    own = versions.priority(version.name)
    better = [one.name for one in definition.spec.versions if one.served and not one.deprecated]
    better = [name for name in better if versions.priority(name) > own]
    instead = f"; use {group}/{max(better, key=versions.priority)} {kind}" if better else ""
    return (f"{group}/{version.name} {kind} is deprecated{instead}",)


def _field_reader(path: str) -> Callable[[Custom], str]:
    """Of a selectable field, as text; nothing where there is no value."""
    find = jsonpath.compiled(f".{path}")

    def read(message: Custom) -> str:
        return _text(next(find(custom.content(message)), None))

    return read


def _text(value: Json) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
