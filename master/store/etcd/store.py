"""The store on etcd: what a control plane with several masters shares."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Self

from master.store.contract import Change, Delete, Entry, Limits, Put, Range, value_bytes
from master.store.errors import (
    Closed,
    Compacted,
    FutureRevision,
    Mismatch,
    Replaced,
    Unreachable,
)
from master.store.etcd import founding, transaction
from master.store.etcd.access import Access
from master.store.etcd.answers import Meaning
from master.store.etcd.following import Following
from master.store.etcd.keyspace import Keyspace
from master.store.etcd.members import Members, OutOfRange
from master.store.etcd.transaction import Mark
from master.store.etcd.watching import Watching
from master.store.operations import Operations, check_operations
from podlab.foreign.etcd.v3 import rpc_pb2 as rpc

# Of a range: so many entries are asked for at once, so that no answer keeps etcd, or the event loop, for long.
_PAGE = 1000
# How often deletions of what may be gone are tried anew when others write the same keys.
_ATTEMPTS = 100
_CHANGE_BYTES = 300


class EtcdStore:
    """Implements Store. Belongs to the event loop that opened it; open it with `EtcdStore.open`."""

    def __init__(self, access: Access, members: Members, space: Keyspace, mark: Mark) -> None:
        self._members = members
        self._space = space
        self._mark = mark
        self._watching = Watching(members, space)
        self._limits = transaction.limits(access.most_operations, access.most_request_bytes)
        self._closing = False
        self._commits = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.written_bytes = 0
        """What this client has written since the store was opened."""

    @classmethod
    async def open(cls, access: Access, identity: Path | None = None) -> Self:
        """Open the store below the prefix, made when there is none. `identity` is where this server keeps which one it
        uses.

        Raises Unreachable, Refused, Replaced with the remedy, OSError for a file.
        """
        return await cls._opened(access, lambda members, space: founding.found(members, space, identity))

    @classmethod
    async def begin(cls, access: Access, at_least: int) -> Self:
        """An empty store whose revisions, with its `shift`, follow `at_least`. No server opens it before `complete`.

        Raises Replaced where there is a store already, and as `open`.
        """
        return await cls._opened(access, lambda members, space: founding.begin(members, space, at_least))

    @classmethod
    async def _opened(cls, access: Access, found: Callable[[Members, Keyspace], Awaitable[Mark]]) -> Self:
        space = Keyspace(access.prefix)
        members = Members(access, space.mark)
        try:
            await members.open()
            mark = await found(members, space)
        except BaseException:  # whatever ends it, no connection is left
            await members.close()
            raise
        return cls(access, members, space, mark)

    async def complete(self) -> None:
        """What `begin` began is whole."""
        await founding.complete(self._members, self._space)

    @property
    def shift(self) -> int:
        """What is to be added to this store's revisions: see ShiftedStore."""
        return self._mark.shift

    @property
    def limits(self) -> Limits:
        """See Store."""
        return self._limits

    @property
    def endpoint(self) -> str:
        """Of the member that is asked now."""
        return self._members.current.endpoint

    async def get(self, key: str) -> Entry | None:
        """See Store."""
        self._check_open()
        answer = await self._members.ask(lambda member: member.kv.Range, rpc.RangeRequest(key=self._space.encoded(key)))
        return self._entry(answer.kvs[0]) if answer.kvs else None

    async def range(self, prefix: str, *, start_after: str = "", limit: int = 0, revision: int = 0) -> Range:
        """See Store."""
        self._check_open()
        await self._check_begun(revision or self._mark.create_revision)
        first, end = self._space.interval(prefix, start_after)
        entries: list[Entry] = []
        more = True
        while more:
            wanted = min(_PAGE, limit - len(entries)) if limit else _PAGE
            answer = await self._page(first, end, wanted, revision)
            entries += map(self._entry, answer.kvs)
            revision = revision or answer.header.revision
            more = answer.more and (not limit or len(entries) < limit)
            if more:
                first = answer.kvs[-1].key + b"\0"
        return Range(tuple(entries), revision, answer.more)

    async def commit(self, operations: Sequence[Put | Delete]) -> int:
        """See Store. Raises Undecided when etcd did not tell whether it has committed."""
        self._check_open()
        check_operations(operations, self._limits)
        self._commits += 1
        self._idle.clear()
        try:
            if transaction.changes_surely(operations):
                return await self._committed(operations)
            return await self._deleted(operations)
        finally:
            self._commits -= 1
            if not self._commits:
                self._idle.set()

    async def watch(self, prefix: str, from_revision: int) -> AsyncGenerator[list[Change], None]:
        """See Store. Never raises Overrun: etcd keeps what a slow consumer has not taken for as long as its history."""
        self._check_open()
        await self._check_begun(from_revision)
        await self._reached(from_revision)
        following = Following(self._space, from_revision)
        first, end = self._space.interval(prefix)
        while True:
            async with contextlib.aclosing(self._watching.followed(first, end, following)) as told:
                async for changes in told:
                    yield changes
            await self._reached(following.seen)

    async def revision(self) -> int:
        """See Store: that of the mark, as a linearizable read."""
        self._check_open()
        return (await self._marked())[0]

    async def compact(self, revision: int) -> None:
        """See Store. etcd's history is one: that of others in the same etcd goes too."""
        self._check_open()
        if revision < 1:
            return
        try:
            await self._members.ask(lambda member: member.kv.Compact, rpc.CompactionRequest(revision=revision))
        except OutOfRange as refusal:
            if refusal.meaning is Meaning.FUTURE:
                raise FutureRevision(revision, (await self._marked())[1]) from refusal

    async def close(self) -> None:
        """See Store."""
        self._closing = True
        await self._idle.wait()
        await self._members.close()

    async def _committed(self, operations: Operations) -> int:
        request = transaction.commit_request(operations, self._space, self._mark)
        answer = await self._members.send(lambda member: member.kv.Txn, request)
        outcome = transaction.outcome(operations, answer)
        if isinstance(outcome, transaction.OtherStore):
            raise self._replaced()
        if isinstance(outcome, Mismatch):
            raise outcome
        self.written_bytes += value_bytes(operations) + _CHANGE_BYTES * len(operations)
        return outcome

    async def _deleted(self, operations: Operations) -> int:
        """Delete what may be gone: what is there is looked up, and nothing is written when nothing is."""
        request = transaction.looking_request(operations, self._space)
        for _ in range(_ATTEMPTS):
            answer = await self._members.ask(lambda member: member.kv.Txn, request)
            looked = transaction.looked(operations, answer)
            if isinstance(looked, Mismatch):
                raise looked
            if isinstance(looked, int):
                return looked
            with contextlib.suppress(Mismatch):  # written meanwhile: look again
                return await self._committed(looked)
        raise Unreachable(self._members.endpoints, f"others wrote the same keys, {_ATTEMPTS} times in a row")

    async def _page(self, first: bytes, end: bytes, limit: int, revision: int) -> rpc.RangeResponse:
        if first >= end:  # etcd would take an end that is not behind the first key for something else
            first, end = self._space.mark + b"\0", self._space.mark + b"\0\0"
        request = rpc.RangeRequest(key=first, range_end=end, limit=limit, revision=revision)
        try:
            return await self._members.ask(lambda member: member.kv.Range, request)
        except OutOfRange as refusal:
            if refusal.meaning is Meaning.COMPACTED:
                raise Compacted(revision, await self._oldest()) from refusal
            raise FutureRevision(revision, (await self._marked())[1]) from refusal

    async def _marked(self) -> tuple[int, int]:
        """The store's revision, and etcd's. Raises Replaced."""
        answer = await self._members.ask(lambda member: member.kv.Range, rpc.RangeRequest(key=self._space.mark))
        if not answer.kvs or answer.kvs[0].value != self._mark.value:
            raise self._replaced()
        return answer.kvs[0].mod_revision, answer.header.revision

    def _replaced(self) -> Replaced:
        return Replaced(
            f"etcd at {', '.join(self._members.endpoints)}, below {self._space.prefix}",
            "the store that this server has used is not there any more",
            "restore it from a backup, and start this server again",
        )

    async def _check_begun(self, revision: int) -> None:
        """A store's history begins with it: before, no change leads to its revision. Raises Compacted."""
        if revision < self._mark.create_revision:
            raise Compacted(revision, await self._oldest())

    async def _oldest(self) -> int:
        return max(self._mark.create_revision, await self._watching.oldest())

    async def _reached(self, revision: int) -> None:
        """Look whether it has happened, however long no member answers: a watch goes on for ever.

        Raises FutureRevision, Replaced, Closed.
        """
        while True:
            await self._members.usable()
            with contextlib.suppress(Unreachable):
                current = (await self._marked())[1]
                break
        if revision > current:
            raise FutureRevision(revision, current)

    def _entry(self, kv: rpc.KeyValue) -> Entry:
        return Entry(self._space.decoded(kv.key), kv.value, kv.create_revision, kv.mod_revision)

    def _check_open(self) -> None:
        if self._closing:
            raise Closed
