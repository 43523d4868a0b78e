"""The one thread that writes.

Whatever has queued up while it wrote becomes its next transaction, so the disk is waited for once per group, not once
per commit. Results go back to the event loop in one hand-over per group.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from master.store.contract import Change
from master.store.operations import Operations
from master.store.sqlite.decide import LIMITS, Standing
from master.store.sqlite.group import write_group
from master.store.sqlite.schema import explained
from master.store.sqlite.sweep import compact_slice, shrink_slice

_GROUP_COMMITS = 512
"""The most commits in one transaction: bounds how long the first of them waits."""

_GROUP_BYTES = 2 * LIMITS.value_bytes
"""The most bytes in their values, but for a commit that is larger on its own."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)  # not frozen: see decide.py
class Commit:
    """A commit, and where its revision or its refusal goes."""

    operations: Operations
    value_bytes: int
    """Of all values that it puts."""
    answer: asyncio.Future[int]


@dataclass(frozen=True, slots=True)
class Compaction:
    """One slice of a compaction; answers the revision that it has reached."""

    revision: int
    answer: asyncio.Future[int]


@dataclass(frozen=True, slots=True)
class Shrinking:
    """One slice of giving free pages back to the file system; answers how many are still to be given back."""

    answer: asyncio.Future[int]


Request = Commit | Compaction | Shrinking


@dataclass(frozen=True, slots=True)
class Written:
    """What a transaction brought: the store's revision, the changes in order, and what to answer to whom."""

    revision: int
    changes: list[Change]
    answers: list[tuple[asyncio.Future[int], int | Exception]]


class Writer:
    """Owns the writing connection, and knows how all keys stand.

    `publish` is called in its thread, once per transaction that is on disk.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        standing: dict[str, Standing],
        revision: int,
        publish: Callable[[Written], None],
    ) -> None:
        self._connection = connection
        self._standing = standing
        self._path = path
        self._revision = revision
        self._publish = publish
        self._requests: queue.SimpleQueue[Sequence[Request] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, requests: Sequence[Request]) -> None:
        """Queue requests; each is answered, in order, once it is on disk or refused."""
        self._requests.put(requests)

    def stop(self) -> None:
        """Answer what is queued, then end the thread and close the file. Blocks."""
        self._requests.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            waiting, stopping = self._take()
            while waiting:
                self._handle(waiting)

    def _take(self) -> tuple[list[Request], bool]:
        """All that is queued, at least one thing, and whether the end is among it."""
        taken: list[Request] = []
        batch = self._requests.get()
        while batch is not None:
            taken += batch
            if len(taken) >= _GROUP_COMMITS or self._requests.empty():
                return taken, False
            batch = self._requests.get()
        return taken, True

    def _handle(self, waiting: list[Request]) -> None:
        """Take one transaction's worth off the front of `waiting` and do it."""
        first = waiting[0]
        if not isinstance(first, Commit):
            del waiting[0]
            self._publish(self._tidy(first))
            return
        group: list[Commit] = []
        left_bytes = _GROUP_BYTES
        for request in waiting[:_GROUP_COMMITS]:
            if not isinstance(request, Commit):
                break
            left_bytes -= request.value_bytes
            if group and left_bytes < 0:
                break
            group.append(request)
        del waiting[: len(group)]
        self._publish(self._commit(group))

    def _commit(self, group: Sequence[Commit]) -> Written:
        try:
            commits = [commit.operations for commit in group]
            verdict = write_group(self._connection, commits, self._standing, self._revision)
        except Exception as error:  # the thread must outlive any failure; every caller gets it
            refusal = self._refusal(error)
            return Written(self._revision, [], [(commit.answer, refusal) for commit in group])
        self._revision = verdict.revision
        for key, standing in verdict.standing.items():
            if standing is None:
                self._standing.pop(key, None)
            else:
                self._standing[key] = standing
        answers = [(commit.answer, result) for commit, result in zip(group, verdict.results, strict=True)]
        return Written(verdict.revision, [row.change for row in verdict.rows], [*answers])

    def _tidy(self, request: Compaction | Shrinking) -> Written:
        answer: int | Exception
        try:
            if isinstance(request, Compaction):
                answer = compact_slice(self._connection, request.revision)
            else:
                answer = shrink_slice(self._connection)
        except Exception as error:  # as above
            answer = self._refusal(error)
        return Written(self._revision, [], [(request.answer, answer)])

    def _refusal(self, error: Exception) -> Exception:
        if not isinstance(error, sqlite3.Error):
            return error
        refusal = explained(error, self._path)
        refusal.__cause__ = error
        _log.error("%s", refusal)
        return refusal
