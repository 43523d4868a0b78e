"""The store's contract: an ordered, versioned key-value map, as etcd has it.

Keys are non-empty strings such as `/registry/pods/default/web-1`, ordered by code point. Values are opaque bytes.
There is one global revision, which begins at 1 or, where the store shares a database with others, later. Each commit
that changes something takes a higher one: the next, unless others write to the same database.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """A key as it stands at some revision."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int


# What is made for every write is not frozen, as that would triple what making one costs. It does not change.
@dataclass(slots=True)
class Put:
    """Write a value. `expected`: None is unconditional, 0 must not exist, n must be at mod_revision n."""

    key: str
    value: bytes
    expected: int | None


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a key. `expected` as in Put: with None, deleting what is gone is success; 0 only asserts absence."""

    key: str
    expected: int | None


@dataclass(slots=True)  # not frozen, as Put
class Change:
    """One key's change at one revision. `value` None: deleted. A creation's `create_revision` is its revision.

    A deletion's is that of the entry it removed.
    """

    revision: int
    key: str
    value: bytes | None
    create_revision: int


@dataclass(frozen=True, slots=True)
class Range:
    """Entries in key order as of `revision`; `more` says that the limit cut some off."""

    entries: tuple[Entry, ...]
    revision: int
    more: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """What one commit may hold: so many operations, and so many bytes in the values that it puts."""

    operations: int
    value_bytes: int

    def allow(self, operations: int, value_bytes: int) -> bool:
        """Whether one commit can hold so much."""
        return operations <= self.operations and value_bytes <= self.value_bytes

    def batches(self, operations: Iterable[Put | Delete]) -> Iterator[list[Put | Delete]]:
        """Operations that need not be committed together, in as few commits as can be, in order."""
        batch: list[Put | Delete] = []
        held_bytes = 0
        for operation in operations:
            more_bytes = size_bytes(operation)
            if batch and not self.allow(len(batch) + 1, held_bytes + more_bytes):
                yield batch
                batch, held_bytes = [], 0
            batch.append(operation)
            held_bytes += more_bytes
        if batch:
            yield batch


def value_bytes(operations: Iterable[Put | Delete]) -> int:
    """Of all values that they put."""
    return sum([len(operation.value) for operation in operations if isinstance(operation, Put)])


def size_bytes(operation: Put | Delete) -> int:
    """Of the value that it puts."""
    return len(operation.value) if isinstance(operation, Put) else 0


class Store(Protocol):
    """What the apiserver needs of a store. All methods raise Closed once `close` was called."""

    @property
    def limits(self) -> Limits:
        """Of a commit. They never change."""
        ...

    async def get(self, key: str) -> Entry | None:
        """The key's entry now, every acknowledged commit included; None when there is none."""
        ...

    async def range(self, prefix: str, *, start_after: str = "", limit: int = 0, revision: int = 0) -> Range:
        """The entries whose key starts with `prefix` and sorts after `start_after`, at most `limit` (0: all).

        `revision` 0 means now; an older one answers as of then, so that pages are consistent. Raises Compacted when
        it is older than the history kept, FutureRevision when it has not happened. A prefix without keys is empty.
        """
        ...

    async def commit(self, operations: Sequence[Put | Delete]) -> int:
        """Apply all operations as one revision, or none; return the revision once it is on disk.

        Raises Mismatch for the first operation whose expectation fails, ValueError for no operation, an empty key, one
        key named twice, or more than `limits` allow. Operations that change nothing (deleting what is gone) take no
        revision: the current one is returned. A caller that is cancelled while it waits does not know whether the
        commit happened; nor does one that gets Undecided, which a store beyond a network raises.
        """
        ...

    def watch(self, prefix: str, from_revision: int) -> AsyncIterator[list[Change]]:
        """Every change after `from_revision` under `prefix`, in order, without gap or repeat, for ever.

        A batch never splits a commit and is never empty. Raises Compacted when the start is older than the history
        kept, FutureRevision when it has not happened, Overrun when the consumer fell behind the bound (watch again
        from the last revision seen).
        """
        ...

    async def revision(self) -> int:
        """The revision of the last acknowledged commit."""
        ...

    async def compact(self, revision: int) -> None:
        """Forget history before `revision`: ranges at it and watches from it still answer, older ones do not.

        Compacting what is already compacted is success. Raises FutureRevision when it has not happened.
        """
        ...

    async def close(self) -> None:
        """Finish the commits that are queued, then refuse everything. Closing twice is success."""
        ...
