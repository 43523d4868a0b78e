"""Writes that were made and that the informer has yet to show.

A controller that counts what it sees would create again what it has just created. So it names what it creates and
deletes before it does, and decides nothing while some of that is outstanding. A write whose answer was lost stays
outstanding until the API server itself was asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass
class Outstanding:
    """Names of what was created, and names and uids of what was deleted; and since when nothing was added."""

    created: set[str] = field(default_factory=set)
    deleted: dict[str, str] = field(default_factory=dict)
    since: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.created or self.deleted)


class Expectations:
    """Per owner (by uid), what it waits to see."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_owner: dict[str, Outstanding] = {}

    def outstanding(self, owner: str) -> Outstanding:
        """A copy; empty when everything has been seen."""
        known = self._by_owner.get(owner, Outstanding())
        return Outstanding(set(known.created), dict(known.deleted), known.since)

    def overdue(self, owner: str, after_s: float) -> bool:
        """True when something has been outstanding for so long, or is in doubt."""
        known = self._by_owner.get(owner)
        return known is not None and self._clock() - known.since >= after_s

    def doubt(self, owner: str) -> None:
        """An answer was lost: what is outstanding may never come."""
        if owner in self._by_owner:
            self._by_owner[owner].since = float("-inf")

    def expect_created(self, owner: str, names: Iterable[str]) -> None:
        self._open(owner).created.update(names)

    def expect_deleted(self, owner: str, name: str, uid: str) -> None:
        self._open(owner).deleted[name] = uid

    def seen_created(self, owner: str, name: str) -> None:
        """Also for what was not created after all."""
        if owner in self._by_owner:
            self._by_owner[owner].created.discard(name)
            self._tidy(owner)

    def seen_deleted(self, owner: str, name: str) -> None:
        """Also for what was not deleted after all."""
        if owner in self._by_owner:
            self._by_owner[owner].deleted.pop(name, None)
            self._tidy(owner)

    def forget(self, owner: str) -> None:
        """The owner is gone."""
        self._by_owner.pop(owner, None)

    def _open(self, owner: str) -> Outstanding:
        known = self._by_owner.setdefault(owner, Outstanding())
        known.since = max(known.since, self._clock()) if known.since != float("-inf") else known.since
        return known

    def _tidy(self, owner: str) -> None:
        if not self._by_owner[owner]:
            del self._by_owner[owner]
