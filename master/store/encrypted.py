"""A store in which the values of some keys are encrypted. Whoever uses it sees them as they were written."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from master.store.contract import Change, Delete, Entry, Limits, Put, Range, Store
from master.store.errors import Mismatch
from master.store.keyring import Keyring
from master.store.operations import check_operations

_RENEWED_AT_ONCE = 500
_RENEWAL_ROUNDS = 3

log = logging.getLogger(__name__)


class EncryptedStore:
    """Implements Store on another one. Values below `prefixes` are encrypted; what is encrypted is read anywhere."""

    def __init__(self, inner: Store, keyring: Keyring, prefixes: Sequence[str]) -> None:
        self._inner = inner
        self._keyring = keyring
        self._prefixes = tuple(prefixes)

    def use(self, keyring: Keyring) -> None:
        """From now on. What was written before has to be readable by it."""
        self._keyring = keyring

    async def renew(self) -> int:
        """Write anew what another key wrote, or none; how many that were. What was there before is forgotten.

        Other servers may do the same at the same time: what was written meanwhile is looked at again, a few times. What
        is left after that is of one that has another first key; it can be read all the same.
        """
        renewed = revision = 0
        for prefix in self._prefixes:
            for _ in range(_RENEWAL_ROUNDS):
                for batch in await self._stale(prefix):
                    try:
                        revision = await self.commit(batch)
                        renewed += len(batch)
                    except Mismatch as error:
                        log.info("%s was written meanwhile: looked at again", error.key)
        if renewed:
            await self._inner.compact(revision)
            log.info("%d values were encrypted anew with the first key", renewed)
        return renewed

    async def _stale(self, prefix: str) -> list[list[Put | Delete]]:
        """What writes anew all that is below the prefix and was not written with the first key, in commits."""
        # What is encrypted is a little larger than what is not.
        limits = Limits(min(_RENEWED_AT_ONCE, self.limits.operations), self.limits.value_bytes // 2)
        found = await self._inner.range(prefix)
        stale = [entry for entry in found.entries if not self._keyring.is_current(entry.value)]
        return list(
            limits.batches(Put(entry.key, self._opened(entry.key, entry.value), entry.mod_revision) for entry in stale)
        )

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
        found = await self._inner.range(prefix, start_after=start_after, limit=limit, revision=revision)
        return Range(tuple(map(self._entry, found.entries)), found.revision, found.more)

    async def commit(self, operations: Sequence[Put | Delete]) -> int:
        """See Store."""
        check_operations(operations, self.limits)
        return await self._inner.commit([self._operation(operation) for operation in operations])

    async def watch(self, prefix: str, from_revision: int) -> AsyncIterator[list[Change]]:
        """See Store."""
        async for changes in self._inner.watch(prefix, from_revision):
            yield [self._change(change) for change in changes]

    async def revision(self) -> int:
        """See Store."""
        return await self._inner.revision()

    async def compact(self, revision: int) -> None:
        """See Store."""
        await self._inner.compact(revision)

    async def close(self) -> None:
        """See Store."""
        await self._inner.close()

    def _operation(self, operation: Put | Delete) -> Put | Delete:
        if isinstance(operation, Delete) or not operation.key.startswith(self._prefixes):
            return operation
        return replace(operation, value=self._keyring.locked(operation.key, operation.value))

    def _opened(self, key: str, value: bytes) -> bytes:
        return self._keyring.opened(key, value)

    def _entry(self, entry: Entry) -> Entry:
        opened = self._opened(entry.key, entry.value)
        return entry if opened is entry.value else replace(entry, value=opened)

    def _change(self, change: Change) -> Change:
        value = change.value and self._opened(change.key, change.value)
        return change if value is change.value else replace(change, value=value)
