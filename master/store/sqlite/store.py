"""The store on one SQLite file: what is embedded in a control plane with a single master."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar, TypeVarTuple

from master.store.contract import Change, Delete, Entry, Limits, Put, Range
from master.store.errors import Closed, Overrun
from master.store.operations import check_operations
from master.store.sqlite.backlog import Backlog
from master.store.sqlite.decide import LIMITS, Gathering, Standing
from master.store.sqlite.group import read_standing
from master.store.sqlite.lock import FileLock
from master.store.sqlite.reader import Reader
from master.store.sqlite.schema import explained, open_reader, open_writer
from master.store.sqlite.writer import Commit, Compaction, Request, Shrinking, Writer, Written

WATCH_BOUND_BYTES = 8 << 20
# The longest that a commit waits for those that may come with it.
_GATHERING_S = 0.005

_T = TypeVar("_T")
_Arguments = TypeVarTuple("_Arguments")


class SqliteStore:
    """Implements Store. Belongs to the event loop that opened it; open it with `SqliteStore.open`."""

    def __init__(
        self,
        path: Path,
        lock: FileLock,
        connection: sqlite3.Connection,
        standing: dict[str, Standing],
        reader: Reader,
        watch_bound_bytes: int,
    ) -> None:
        self._path = path
        self._lock = lock
        self._reader = reader
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-reader")
        self._loop = asyncio.get_running_loop()
        revision = reader.bounds().revision
        self._backlog = Backlog(revision, watch_bound_bytes)
        self._writer = Writer(connection, path, standing, revision, self._hand_over)
        self._submitted: list[Request] = []
        self._unanswered = 0
        self._gathering = Gathering()
        self._sending: asyncio.Handle | None = None
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, *, watch_bound_bytes: int = WATCH_BOUND_BYTES) -> Self:
        """Open the store at `path`, made when it does not exist; its directory must.

        Raises Locked, Foreign, Corrupt or Unwritable with the remedy. `watch_bound_bytes` is how much of changes is
        kept in memory for watchers before the slowest of them gets Overrun.
        """
        lock, connection, standing, reader = await asyncio.to_thread(_open_files, path)
        return cls(path, lock, connection, standing, reader, watch_bound_bytes)

    @property
    def limits(self) -> Limits:
        """See Store."""
        return LIMITS

    async def get(self, key: str) -> Entry | None:
        """See Store."""
        return await self._read(self._reader.get, key)

    async def range(self, prefix: str, *, start_after: str = "", limit: int = 0, revision: int = 0) -> Range:
        """See Store."""
        return await self._read(self._reader.range, prefix, start_after, limit, revision)

    async def commit(self, operations: Sequence[Put | Delete]) -> int:
        """See Store."""
        self._check_open()
        value_bytes = check_operations(operations, LIMITS)
        answer: asyncio.Future[int] = self._loop.create_future()
        self._submit(Commit(operations, value_bytes, answer))
        return await answer

    async def watch(self, prefix: str, from_revision: int) -> AsyncIterator[list[Change]]:
        """See Store."""
        bounds = await self._read(self._reader.bounds)
        bounds.check(from_revision)
        seen = from_revision
        while not self._backlog.covers(seen):
            changes, seen = await self._read(self._reader.history, prefix, seen)
            if changes:
                yield changes
        while True:
            self._check_open()
            if not self._backlog.covers(seen):
                raise Overrun(prefix, self._backlog.bound_bytes)
            changes, seen = self._backlog.after(seen, prefix)
            if changes:
                yield changes
            else:
                await self._backlog.news()

    async def revision(self) -> int:
        """See Store."""
        self._check_open()
        return self._backlog.revision

    async def compact(self, revision: int) -> None:
        """See Store."""
        done = -1
        while done < revision:
            self._check_open()
            answer: asyncio.Future[int] = self._loop.create_future()
            self._submit(Compaction(revision, answer))
            done = await answer
        left = 1
        while left:
            self._check_open()
            shrunk: asyncio.Future[int] = self._loop.create_future()
            self._submit(Shrinking(shrunk))
            left = await shrunk

    @property
    def written_bytes(self) -> int:
        """All that has been written since the store was opened."""
        return self._backlog.written_bytes

    async def close(self) -> None:
        """See Store."""
        if self._closing is None:
            self._closing = self._loop.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._backlog.close()
        self._flush()
        await asyncio.to_thread(self._writer.stop)
        await asyncio.to_thread(self._reading.shutdown)
        self._reader.close()
        self._lock.release()

    def _submit(self, request: Request) -> None:
        """Hand what is asked for at about the same time to the writer together, so that it becomes one group."""
        self._submitted.append(request)
        self._unanswered += 1
        gathered = len(self._submitted)
        if gathered == self._gathering.awaited:
            if self._sending is not None:
                self._sending.cancel()
            self._sending = self._loop.call_soon(self._flush)
        elif gathered == 1:
            self._sending = self._loop.call_later(_GATHERING_S, self._flush)

    def _flush(self) -> None:
        self._sending = None
        if self._submitted:
            self._gathering.sent(self._unanswered)
            self._writer.submit(self._submitted)
            self._submitted = []

    def _hand_over(self, written: Written) -> None:
        self._loop.call_soon_threadsafe(self._publish, written)

    def _publish(self, written: Written) -> None:
        self._backlog.publish(written.changes, written.revision)
        self._unanswered -= len(written.answers)
        for answer, result in written.answers:
            if answer.done():
                continue  # its caller was cancelled
            if isinstance(result, Exception):
                answer.set_exception(result)
            else:
                answer.set_result(result)

    async def _read(self, read: Callable[[*_Arguments], _T], *arguments: *_Arguments) -> _T:
        self._check_open()
        try:
            return await self._loop.run_in_executor(self._reading, read, *arguments)
        except sqlite3.Error as error:
            raise explained(error, self._path) from error

    def _check_open(self) -> None:
        if self._closing is not None:
            raise Closed


def _open_files(path: Path) -> tuple[FileLock, sqlite3.Connection, dict[str, Standing], Reader]:
    lock = FileLock(path)
    try:
        connection = open_writer(path)
        return lock, connection, read_standing(connection), Reader(open_reader(path))
    except BaseException:
        lock.release()
        raise
