"""A copy of one store into another that is new, verified. Values are copied as they stand, encrypted ones too.

The new store's revisions follow those of the old one, so that nobody meets a revision twice: what was changed later
has a higher one in both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise

from master.store.contract import Entry, Put, Store
from master.store.errors import StoreError

_PAGE = 500


class Unequal(StoreError):
    """The copy is not what was to be copied, or that changed meanwhile."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; stop every API server of this store, remove the copy, and begin again")


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: so many keys and bytes of values, and the revisions before and after."""

    keys: int
    value_bytes: int
    before: int
    after: int


async def copy(source: Store, target: Store) -> Copied:
    """Copy all that is in the source as of now. The target is empty, and its revision is not behind the source's.

    Raises Unequal when a key or value differs afterwards, revisions do not follow, or the source has changed.
    """
    at = await source.revision()
    copied = await fill(target, [entry async for entry in entries_at(source, at)], at)
    if (now := await source.revision()) != at:
        raise Unequal(f"the old store was written to meanwhile: it is at revision {now}, and was at {at}")
    return copied


async def fill(target: Store, entries: list[Entry], at: int) -> Copied:
    """Put entries of another store as of revision `at` into an empty one, those that were changed later after others.

    Raises Unequal when a key or value differs afterwards, or revisions do not follow.
    """
    if await target.revision() < at:
        raise Unequal(f"the new store is at revision {await target.revision()}, behind the old one's {at}")
    entries.sort(key=lambda entry: entry.mod_revision)
    for batch in target.limits.batches(Put(entry.key, entry.value, 0) for entry in entries):
        await target.commit(batch)
    await _verify(entries, target, at)
    size = sum(len(entry.value) for entry in entries)
    return Copied(len(entries), size, at, await target.revision())


async def _verify(entries: list[Entry], target: Store, at: int) -> None:
    found = {entry.key: entry async for entry in entries_at(target, await target.revision())}
    if extra := found.keys() - {entry.key for entry in entries}:
        raise Unequal(f"the new store holds {len(extra)} keys that the old one does not, such as {min(extra)}")
    for entry in entries:
        copied = found.get(entry.key)
        if copied is None or copied.value != entry.value:
            raise Unequal(f"{entry.key}: {'it is missing' if copied is None else 'its value differs'} in the new store")
        if copied.mod_revision <= at:
            raise Unequal(f"{entry.key}: it is at revision {copied.mod_revision}, not after {at}")
    for earlier, later in pairwise(entries):
        if found[earlier.key].mod_revision > found[later.key].mod_revision:
            raise Unequal(f"{later.key}: it was changed after {earlier.key}, and no longer seems so")


async def entries_at(store: Store, revision: int) -> AsyncIterator[Entry]:
    """All entries as of a revision, in key order. Raises Compacted when that takes longer than history is kept."""
    after, more = "", True
    while more:
        page = await store.range("", start_after=after, limit=_PAGE, revision=revision)
        for entry in page.entries:
            yield entry
            after = entry.key
        more = page.more
