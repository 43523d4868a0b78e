"""Of CustomResourceDefinitions."""

from __future__ import annotations

from collections.abc import Iterator

from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.kinds.validation.apiextensions.versions import schema_of
from podlab.schemas import formats
from podlab.schemas.definitions.structural import Props, parts


def of_definition(new: CustomResourceDefinition, old: CustomResourceDefinition | None) -> list[str]:
    """Formats that say nothing to anybody, unless they were there before."""
    known = frozenset(_formats(old)) if old is not None else frozenset[str]()
    return [f'unrecognized format "{name}"' for name in dict.fromkeys(_formats(new)) if name not in known]


def _formats(definition: CustomResourceDefinition) -> Iterator[str]:
    for version in definition.spec.versions:
        yield from _unknown(schema_of(version) or {})


def _unknown(props: Props) -> Iterator[str]:
    name = props.get("format", "")
    if name and not formats.checked(name, props.get("type", "")):
        yield name
    for part in parts(props):
        yield from _unknown(part)
