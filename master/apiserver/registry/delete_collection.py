"""Deletes what a selector matches, many at a time, each by the registry as if it had been named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from master.apiserver.admission.write import Deletion, Propagation, Write, WriteContext
from master.apiserver.registry.registry import Registry, Written
from master.apiserver.watchcache import encoding
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CachedObject
from master.apiserver.watchcache.moment import Moment
from master.apiserver.watchcache.selection import ListOptions
from podlab.api.kinds import Kind
from podlab.errors import Conflict, MethodNotAllowed, NotFound

# As many as the store commits in one go without others waiting long.
AT_ONCE = 32
# gRPC clients take 4 MiB a message unless told otherwise; one object is at most 1.5 MB.
RESPONSE_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class CollectionDeletion:
    """What is deleted, and on what terms."""

    options: ListOptions
    grace_period_s: int | None = None
    propagation: Propagation | None = None
    version: Kind | None = None
    """The version in which the objects are named: nothing is deleted that cannot be shown in it."""


class Collections:
    """Answers DeleteCollection."""

    def __init__(self, cache: Cache, registry: Registry) -> None:
        self._cache = cache
        self._registry = registry

    async def delete(self, context: WriteContext, wanted: CollectionDeletion) -> AsyncIterator[list[Written]]:
        """What was deleted, in batches. Raises MethodNotAllowed, and what deleting one raises but for NotFound."""
        _check_deletable(wanted.options.resource.kind, wanted.options.namespace)
        entries = await self._selected(wanted.options, context.moment)
        for start in range(0, len(entries), AT_ONCE):
            batch = entries[start : start + AT_ONCE]
            results = await asyncio.gather(
                *(self._delete_one(context, wanted, entry) for entry in batch), return_exceptions=True
            )
            yield [result for result in results if isinstance(result, Written)]
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    async def _selected(self, options: ListOptions, moment: Moment | None) -> list[CachedObject]:
        wanted = options.selection()
        await self._cache.reach(moment if moment is not None else await self._cache.moments.now())
        entries = wanted.candidates(wanted.section(self._cache.window(wanted.kind)))
        return [entry for entry in entries if not wanted.selects or wanted.matches(entry.message())]

    async def _delete_one(
        self, context: WriteContext, wanted: CollectionDeletion, entry: CachedObject
    ) -> Written | None:
        """None when the object that was selected is gone already, even if another has taken its name."""
        metadata = entry.message().metadata  # type: ignore[attr-defined]
        deletion = Deletion(
            wanted.options.resource.kind,
            metadata.namespace,
            metadata.name,
            uid=metadata.uid,
            grace_period_s=wanted.grace_period_s,
            propagation=wanted.propagation,
        )
        try:
            return await self._registry.write(Write.delete(context, deletion, version=wanted.version))
        except NotFound:
            return None
        except Conflict:
            if await self._is_another(entry, metadata.uid):
                return None
            raise

    async def _is_another(self, entry: CachedObject, uid: str) -> bool:
        await self._cache.catch_up()
        now = self._cache.get(entry.kind, entry.key)
        return now is None or now.message().metadata.uid != uid  # type: ignore[attr-defined]


def responses(deleted: Sequence[Written]) -> list[bytes]:
    """As DeleteCollectionResponses, each of a size that clients take."""
    made: list[list[bytes]] = [[]]
    size = 0
    for one in deleted:
        body = encoding.item_response(one.entry.element) + (encoding.removed_mark() if one.removed else b"")
        if made[-1] and size + len(body) > RESPONSE_BYTES:
            made.append([])
            size = 0
        made[-1].append(encoding.deleted_object(body))
        size += len(body)
    return [b"".join(parts) for parts in made if parts]


def _check_deletable(kind: Kind, namespace: str) -> None:
    if kind.name == "Namespace":
        raise MethodNotAllowed("the server does not allow this method on the requested resource: delete each namespace")
    if kind.namespaced and not namespace:
        raise MethodNotAllowed(
            "the server does not allow this method on the requested resource: "
            f"{kind.plural} are deleted in one namespace at a time: name it"
        )
