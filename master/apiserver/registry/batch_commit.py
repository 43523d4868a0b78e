"""Writes many objects in one commit, each of which stands or falls alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from master.apiserver.watchcache.cache import Cache
from master.store.contract import Delete, Put
from master.store.errors import Mismatch
from podlab.errors import ApiError

# All changes of a commit reach a watcher in one message, which must stay below gRPC's 4 MiB.
_COMMIT_OBJECTS = 256
_COMMIT_BYTES = 1 << 20

T = TypeVar("T")
Plan = tuple[Put, *tuple[Put | Delete, ...]]
Result = ApiError | int
"""Why a write failed, or the object's new revision."""


@dataclass
class _Group:
    """What goes into one commit, and which items of the request it came from."""

    operations: dict[str, Put | Delete]
    """By key: what several need, they need once."""
    items: list[int]
    bytes: int = 0

    def has_room(self, put: Put) -> bool:
        """What is written twice is written one after the other."""
        if not self.items:
            return True
        within = len(self.items) < _COMMIT_OBJECTS and self.bytes + len(put.value) <= _COMMIT_BYTES
        return within and put.key not in self.operations


class Together(Generic[T]):
    """`plan` says what has to be committed for an item, its own object first, as things stand in the cache.

    `alone` writes one that raced with others, and returns the new revision. Both raise ApiError for what is refused.
    """

    def __init__(
        self,
        cache: Cache,
        plan: Callable[[T], Plan],
        alone: Callable[[T], Awaitable[int]],
    ) -> None:
        self._cache = cache
        self._plan = plan
        self._alone = alone

    async def write(self, items: Sequence[T]) -> list[Result]:
        """A result for each item, in order. Raises StoreError when the store refuses all of them."""
        results: list[Result] = [0] * len(items)
        done = 0
        while done < len(items):
            await self._cache.catch_up()
            group, done = self._grouped(items, done, results)
            if group.items and not await self._committed(group, results):
                await asyncio.gather(*(self._write_alone(items[index], index, results) for index in group.items))
        return results

    def _grouped(self, items: Sequence[T], first: int, results: list[Result]) -> tuple[_Group, int]:
        """What fits into one commit from the item `first` on, and the first item that is not in it."""
        group = _Group({}, [])
        for index in range(first, len(items)):
            try:
                planned = self._plan(items[index])
            except ApiError as error:
                results[index] = error
                continue
            if not group.has_room(planned[0]):
                return group, index
            group.operations.update((operation.key, operation) for operation in planned)
            group.items.append(index)
            group.bytes += len(planned[0].value)
        return group, len(items)

    async def _committed(self, group: _Group, results: list[Result]) -> bool:
        """False when one of them was changed meanwhile: each for itself then, so that the others are not held up."""
        try:
            revision = await self._cache.store.commit([*group.operations.values()])
        except Mismatch:
            return False
        for index in group.items:
            results[index] = revision
        return True

    async def _write_alone(self, item: T, index: int, results: list[Result]) -> None:
        try:
            results[index] = await self._alone(item)
        except ApiError as error:
            results[index] = error
