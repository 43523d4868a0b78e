"""How custom objects become those of another version of their kind, as their definition says.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from podlab.api.conversion.versions import ConversionNeeded
from podlab.api.kinds import Kind
from podlab.api.serializer import custom
from podlab.apiextensions.v1 import customresourcedefinition_pb2 as pb
from podlab.apiextensions.v1.custom_pb2 import Custom

if TYPE_CHECKING:
    from podlab.kinds.custom.schema import VersionSchema

LoadSchema = Callable[[], "VersionSchema"]
"""Only servers look into schemas: what does that is imported when the first is asked for."""
REMEMBERED_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class NoneConversion:
    """Nothing but the apiVersion changes. `schemas` are those of all versions, by apiVersion."""

    schemas: Mapping[str, LoadSchema]

    @property
    def by_webhook(self) -> bool:
        """See CustomConversion."""
        return False

    def converted(self, message: Custom, kind: Kind) -> Custom:
        """See CustomConversion. What the other version does not know is left out."""
        made = Custom(
            metadata=message.metadata, api_version=kind.api_version, kind=message.kind, content=message.content
        )
        return _pruned(made, self.schemas)


class WebhookConversion:
    """A webhook converts. What it has answered lately is remembered, so that what was broken off to ask it finds the
    answer; `client` says how it is asked, and `name` is the definition's."""

    def __init__(
        self,
        schemas: Mapping[str, LoadSchema],
        name: str,
        client: pb.WebhookConversion,
        *,
        remembered_bytes: int = REMEMBERED_BYTES,
    ) -> None:
        self.name = name
        self.client = pb.WebhookConversion()
        self.client.CopyFrom(client)  # a part keeps all of its definition
        self._schemas = schemas
        self._known: OrderedDict[tuple[str, bytes], Custom] = OrderedDict()
        self._bytes = 0
        self._most_bytes = remembered_bytes

    @property
    def by_webhook(self) -> bool:
        """See CustomConversion."""
        return True

    def converted(self, message: Custom, kind: Kind) -> Custom:
        """See CustomConversion."""
        key = _key(message, kind)
        known = self._known.get(key)
        if known is None:
            raise ConversionNeeded(message, kind)
        self._known.move_to_end(key)
        copy = Custom()
        copy.CopyFrom(known)
        return copy

    def remember(self, message: Custom, kind: Kind, converted: Custom) -> None:
        """What the webhook made of the object."""
        key = _key(message, kind)
        self._forget(key)
        self._known[key] = converted
        self._bytes += len(key[1]) + converted.ByteSize()
        while self._bytes > self._most_bytes and len(self._known) > 1:
            self._forget(next(iter(self._known)))

    def pruned(self, converted: Custom) -> Custom:
        """What the webhook answered, without what the version does not know."""
        return _pruned(converted, self._schemas)

    def _forget(self, key: tuple[str, bytes]) -> None:
        known = self._known.pop(key, None)
        if known is not None:
            self._bytes -= len(key[1]) + known.ByteSize()


def _key(message: Custom, kind: Kind) -> tuple[str, bytes]:
    return kind.api_version, message.SerializeToString(deterministic=True)


def _pruned(message: Custom, schemas: Mapping[str, LoadSchema]) -> Custom:
    content = custom.content(message)
    if schemas[message.api_version]().prune(content):
        custom.set_content(message, content)
    return message
