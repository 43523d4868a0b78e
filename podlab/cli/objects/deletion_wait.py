"""Waiting until what is being deleted is gone."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from podlab.api.kinds import Kind
from podlab.api.objects import metadata
from podlab.client.client import Client, Listed, WatchEvent
from podlab.errors import Expired


@dataclass(frozen=True)
class Doomed:
    """An object whose deletion was asked for."""

    kind: Kind
    name: str
    namespace: str
    uid: str
    grace_period_s: int = 0

    def __str__(self) -> str:
        return f"{self.kind.plural}/{self.name}"


async def until_gone(client: Client, doomed: Doomed) -> None:
    """Returns when the object is gone, or another has its name. Raises ApiError."""
    only_it = f"metadata.name={doomed.name}"
    while True:
        listed: Listed[Message] = await client.list(doomed.kind, doomed.namespace, field_selector=only_it)
        if all(metadata(item).uid != doomed.uid for item in listed.items):
            return
        try:
            changes: AsyncIterator[Sequence[WatchEvent[Message]]] = client.watch(
                doomed.kind, listed.resource_version, doomed.namespace, field_selector=only_it
            )
            async for batch in changes:
                if any(event.type == "DELETED" for event in batch):
                    return
        except Expired:
            continue
