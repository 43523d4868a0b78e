"""Writes what `ownership` decided: takes objects in and lets them go."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeVar

from google.protobuf.message import Message

from master.controllers.objects.ownership import ClaimedObjects, reference_to, without_owner
from podlab.api.objects import key
from podlab.client.client import Client
from podlab.errors import NotFound
from podlab.meta.v1 import meta_pb2

M = TypeVar("M", bound=Message)
log = logging.getLogger(__name__)


async def adopt_and_release(
    client: Client,
    owner: Message,
    claimed: ClaimedObjects[M],  # type: ignore[type-var]
    finalizers: Sequence[str] = (),
) -> list[M]:
    """What `owner` manages now. What it takes in gets its `finalizers`. Raises Conflict when an object changed."""
    for released in claimed.release:
        await _release(client, owner, released)
    if not claimed.adopt or not await _still_there(client, owner):
        return claimed.owned
    return [*claimed.owned, *[await _adopt(client, owner, adopted, finalizers) for adopted in claimed.adopt]]


async def _still_there(client: Client, owner: Message) -> bool:
    """An owner that the cache still has may be gone: what it took in then would be deleted with it."""
    metadata = owner.metadata  # type: ignore[attr-defined]
    try:
        found = await client.get(type(owner), metadata.name, metadata.namespace)
    except NotFound:
        return False
    fresh = found.metadata  # type: ignore[attr-defined]
    return bool(fresh.uid == metadata.uid and not fresh.HasField("deletionTimestamp"))


async def _adopt(client: Client, owner: Message, obj: M, finalizers: Sequence[str]) -> M:
    wanted = type(obj)()
    wanted.CopyFrom(obj)
    metadata: meta_pb2.ObjectMeta = wanted.metadata  # type: ignore[attr-defined]
    metadata.ownerReferences.append(reference_to(owner))
    metadata.finalizers.extend(one for one in finalizers if one not in metadata.finalizers)
    adopted = await client.update(wanted)
    log.info("%s takes in %s", key(owner), key(obj))
    return adopted


async def _release(client: Client, owner: Message, obj: Message) -> None:
    wanted = type(obj)()
    wanted.CopyFrom(obj)
    without_owner(wanted.metadata, frozenset({owner.metadata.uid}))  # type: ignore[attr-defined]
    await client.update(wanted)
    log.info("%s lets go of %s, which its selector no longer matches", key(owner), key(obj))
