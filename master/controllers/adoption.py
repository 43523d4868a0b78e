"""Writes what `ownership` decided: takes objects in and lets them go."""

from __future__ import annotations

import logging
from typing import TypeVar

from google.protobuf.message import Message

from master.controllers.ownership import Claim, reference_to, without_owner
from podlab.api.objects import key
from podlab.client.client import Client
from podlab.errors import NotFound

M = TypeVar("M", bound=Message)
log = logging.getLogger(__name__)


async def settle(client: Client, owner: Message, claimed: Claim[M]) -> list[M]:  # type: ignore[type-var]
    """What `owner` manages now. Raises Conflict when an object changed meanwhile."""
    for released in claimed.release:
        await _release(client, owner, released)
    if not claimed.adopt or not await _still_there(client, owner):
        return claimed.owned
    return [*claimed.owned, *[await _adopt(client, owner, adopted) for adopted in claimed.adopt]]


async def _still_there(client: Client, owner: Message) -> bool:
    """An owner that the cache still has may be gone: what it took in then would be deleted with it."""
    metadata = owner.metadata  # type: ignore[attr-defined]
    try:
        found = await client.get(type(owner), metadata.name, metadata.namespace)
    except NotFound:
        return False
    fresh = found.metadata  # type: ignore[attr-defined]
    return bool(fresh.uid == metadata.uid and not fresh.HasField("deletionTimestamp"))


async def _adopt(client: Client, owner: Message, obj: M) -> M:
    wanted = type(obj)()
    wanted.CopyFrom(obj)
    wanted.metadata.ownerReferences.append(reference_to(owner))  # type: ignore[attr-defined]
    adopted = await client.update(wanted)
    log.info("%s takes in %s", key(owner), key(obj))
    return adopted


async def _release(client: Client, owner: Message, obj: Message) -> None:
    wanted = type(obj)()
    wanted.CopyFrom(obj)
    without_owner(wanted.metadata, frozenset({owner.metadata.uid}))  # type: ignore[attr-defined]
    await client.update(wanted)
    log.info("%s lets go of %s, which its selector no longer matches", key(owner), key(obj))
