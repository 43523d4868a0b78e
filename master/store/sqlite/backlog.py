"""The recent changes, kept once in memory for all watchers.

A watcher holds only the revision it has seen. It is behind its bound when what follows that revision has been dropped
from here, which happens when more than `bound_bytes` of changes came after it.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from master.store.contract import Change
from master.store.errors import Closed

_CHANGE_BYTES = 300
"""What a change costs beside its values: objects, key, list slot. A rough figure, so that empty values count too."""


@dataclass(frozen=True, slots=True)
class _Group:
    revision: int
    changes: list[Change]
    bytes: int


class Backlog:
    """Lives in the event loop."""

    def __init__(self, revision: int, bound_bytes: int) -> None:
        self.revision = revision
        """The last published revision."""
        self.bound_bytes = bound_bytes
        self.written_bytes = 0
        """What all changes that were published took, dropped ones too."""
        self._oldest = revision
        self._groups: deque[_Group] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._closed = False

    def publish(self, changes: list[Change], revision: int) -> None:
        """Add the changes that lead to `revision` and wake the watchers. The newest group is always kept."""
        if not changes:
            return
        size = sum(_CHANGE_BYTES + len(change.value or b"") for change in changes)
        self._groups.append(_Group(revision, changes, size))
        self._bytes += size
        self.written_bytes += size
        self.revision = revision
        while self._bytes > self.bound_bytes and len(self._groups) > 1:
            dropped = self._groups.popleft()
            self._bytes -= dropped.bytes
            self._oldest = dropped.revision
        self._wake()

    def covers(self, revision: int) -> bool:
        """Whether everything after `revision` is still here."""
        return revision >= self._oldest

    def after(self, revision: int, prefix: str) -> tuple[list[Change], int]:
        """The changes under `prefix` that follow `revision`, and the revision they reach. Needs `covers(revision)`."""
        behind: list[_Group] = []
        for group in reversed(self._groups):
            if group.revision <= revision:
                break
            behind.append(group)
        found = [
            change
            for group in reversed(behind)
            for change in group.changes
            if change.revision > revision and change.key.startswith(prefix)
        ]
        return found, max(revision, self.revision)

    async def news(self) -> None:
        """Wait for the next publication. Raises Closed when the store is closed."""
        if not self._closed:
            await self._news.wait()
        if self._closed:
            raise Closed

    def close(self) -> None:
        """Wake every watcher for good."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
