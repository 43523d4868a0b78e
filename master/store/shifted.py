"""A store whose revisions are another one's and a number more: a store that was copied goes on where it stood.

What was told before the copy is older than all that is told after it, so nobody meets a revision twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from master.store.contract import Change, Delete, Entry, Limits, Put, Range, Store
from master.store.errors import Compacted, FutureRevision, Mismatch
from master.store.operations import check_operations


class ShiftedStore:
    """Implements Store on another one."""

    def __init__(self, inner: Store, shift: int) -> None:
        self._inner = inner
        self._shift = shift

    @property
    def limits(self) -> Limits:
        """See Store."""
        return self._inner.limits

    async def get(self, key: str) -> Entry | None:
        """See Store."""
        entry = await self._inner.get(key)
        return self._entry(entry) if entry is not None else None

    async def range(self, prefix: str, *, start_after: str = "", limit: int = 0, revision: int = 0) -> Range:
        """See Store."""
        with self._told():
            found = await self._inner.range(
                prefix, start_after=start_after, limit=limit, revision=self._within(revision) if revision else 0
            )
        return Range(tuple(map(self._entry, found.entries)), found.revision + self._shift, found.more)

    async def commit(self, operations: Sequence[Put | Delete]) -> int:
        """See Store."""
        check_operations(operations, self.limits)
        try:
            return await self._inner.commit(list(map(self._operation, operations))) + self._shift
        except Mismatch as error:
            expected = next(operation.expected for operation in operations if operation.key == error.key)
            raise Mismatch(error.key, expected or 0, error.found + self._shift if error.found else 0) from error

    async def watch(self, prefix: str, from_revision: int) -> AsyncIterator[list[Change]]:
        """See Store."""
        with self._told():
            async for changes in self._inner.watch(prefix, self._within(from_revision)):
                yield [self._change(change) for change in changes]

    async def revision(self) -> int:
        """See Store."""
        return await self._inner.revision() + self._shift

    async def compact(self, revision: int) -> None:
        """See Store."""
        with self._told():
            await self._inner.compact(max(0, revision - self._shift))

    async def close(self) -> None:
        """See Store."""
        await self._inner.close()

    def _within(self, revision: int) -> int:
        """The inner store's: 1, which is before anything, for what was before the copy."""
        return max(1, revision - self._shift)

    def _operation(self, operation: Put | Delete) -> Put | Delete:
        """What expects a revision of before the copy is refused: the inner store has none that is so high."""
        if not operation.expected:
            return operation
        before = operation.expected <= self._shift
        return replace(operation, expected=_NONE_HAS if before else operation.expected - self._shift)

    def _entry(self, entry: Entry) -> Entry:
        return replace(
            entry,
            create_revision=entry.create_revision + self._shift,
            mod_revision=entry.mod_revision + self._shift,
        )

    def _change(self, change: Change) -> Change:
        return replace(
            change, revision=change.revision + self._shift, create_revision=change.create_revision + self._shift
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Refusals in the revisions of this store."""
        try:
            yield
        except Compacted as error:
            raise Compacted(error.revision + self._shift, error.oldest + self._shift) from error
        except FutureRevision as error:
            raise FutureRevision(error.revision + self._shift, error.current + self._shift) from error


_NONE_HAS = (1 << 62) - 1
