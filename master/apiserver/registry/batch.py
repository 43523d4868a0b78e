"""Writes many objects in one commit, each of which stands or falls alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from master.apiserver.admission.write import Write
from master.apiserver.registry.registry import Planned, Registry
from master.apiserver.watchcache.cache import Cache
from master.store import contract
from master.store.contract import Delete, Limits, Put
from master.store.errors import Mismatch
from podlab.errors import ApiError

# All changes of a commit reach a watcher in one message, which must stay below gRPC's 4 MiB.
_COMMIT_OBJECTS = 256
_COMMIT_BYTES = 1 << 20

Result = ApiError | int
"""Why a write failed, or the object's new revision."""


@dataclass
class _Group:
    """What goes into one commit, and which writes it came from."""

    limits: Limits
    operations: dict[str, Put | Delete] = field(default_factory=dict)
    """By key: what several need, they need once."""
    indices: list[int] = field(default_factory=list)
    bytes: int = 0
    """Of what is written alongside, and of all objects, those that go included: watchers are told of these as well."""

    def takes(self, index: int, planned: Planned) -> bool:
        """Whether there is room for it: it goes into the commit then. What is written twice is written one after the
        other."""
        operations = self.operations
        alongside = [operation for operation in planned.alongside if operation.key not in operations]
        size_bytes = self.bytes + len(planned.value) + contract.value_bytes(alongside)
        if self.indices:
            within = len(self.indices) < _COMMIT_OBJECTS and size_bytes <= _COMMIT_BYTES
            allowed = self.limits.allow(len(operations) + 1 + len(alongside), size_bytes)
            if not within or not allowed or planned.key in operations:
                return False
        operations[planned.key] = planned.operation
        for operation in alongside:
            operations[operation.key] = operation
        self.indices.append(index)
        self.bytes = size_bytes
        return True


@dataclass(frozen=True, slots=True)
class Batch:
    """Answers what comes with many objects."""

    cache: Cache
    registry: Registry

    async def write(self, writes: Sequence[Write]) -> list[Result]:
        """A result for each, in order. Raises StoreError when the store refuses all of them."""
        results: list[Result] = [0] * len(writes)
        done = 0
        while done < len(writes):
            await self.registry.reach(writes[done])
            group, done = await self._grouped(writes, done, results)
            if group.indices and not await self._committed(group, results):
                await asyncio.gather(*(self._write_alone(writes[index], index, results) for index in group.indices))
        return results

    async def _grouped(self, writes: Sequence[Write], first: int, results: list[Result]) -> tuple[_Group, int]:
        """What fits into one commit from the write `first` on, and the first one that is not in it."""
        group = _Group(self.cache.store.limits)
        for index in range(first, len(writes)):
            try:
                planned = await self.registry.plan(writes[index])
            except ApiError as error:
                results[index] = error
                continue
            if planned.unchanged and planned.entry is not None:
                results[index] = planned.entry.revision
            elif self.registry.charges(planned):
                await self._write_alone(writes[index], index, results)
            elif not group.takes(index, planned):
                return group, index
        return group, len(writes)

    async def _committed(self, group: _Group, results: list[Result]) -> bool:
        """False when one of them was changed meanwhile: each for itself then, so that the others are not held up."""
        try:
            revision = await self.cache.store.commit([*group.operations.values()])
        except Mismatch:
            return False
        for index in group.indices:
            results[index] = revision
        return True

    async def _write_alone(self, write: Write, index: int, results: list[Result]) -> None:
        try:
            results[index] = (await self.registry.write(write)).entry.revision
        except ApiError as error:
            results[index] = error


async def write_each(registry: Registry, writes: Iterable[Write]) -> list[ApiError | None]:
    """Each as if it had come alone: the store commits them together. None, or why it failed, in order.

    Raises what is no refusal once all are done.
    """
    outcomes = await asyncio.gather(*map(registry.write, writes), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, ApiError):
            raise outcome
    return [outcome if isinstance(outcome, ApiError) else None for outcome in outcomes]
