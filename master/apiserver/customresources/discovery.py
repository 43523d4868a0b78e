"""What clients without a description of a custom kind have to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from master.apiserver.watchcache.cache import Cache
from podlab.api import definitions, kinds
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition

_TOGETHER: Final = 100
"""So many make some 100 KiB: far below what one message may hold."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """Tells of the kinds that are served because of a definition."""

    cache: Cache

    def served(self) -> Iterator[list[CustomResourceDefinition]]:
        """Their definitions as far as anybody may know them who may ask which kinds there are, some at a time."""
        entries = list(self.cache.window(kinds.of(CustomResourceDefinition)).entries.values())
        for first in range(0, len(entries), _TOGETHER):
            found = [entry.message_as(CustomResourceDefinition) for entry in entries[first : first + _TOGETHER]]
            yield [described(one) for one in found if definitions.is_true(one, definitions.ESTABLISHED)]


def described(definition: CustomResourceDefinition) -> CustomResourceDefinition:
    """The definition without its schemas, and without what its author noted for others."""
    told = CustomResourceDefinition(spec=definition.spec, status=definition.status)
    told.metadata.name = definition.metadata.name
    told.spec.ClearField("conversion")
    for version in told.spec.versions:
        version.ClearField("schema")
    return told
