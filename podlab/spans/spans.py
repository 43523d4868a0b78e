"""The last spans of time that a component has measured, by what they are about."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

KEYS = 1024
"""A span takes about 200 bytes, so that a component keeps less than 2 MiB with eight of each."""
OF_EACH = 32


class TimeSpan(NamedTuple):
    """In seconds since 1970, by the clock of this host. `detail` says what it was about, where the name does not."""

    name: str
    began_s: float
    ended_s: float
    detail: str = ""


class Spans:
    """Remembers of `keys` objects at most, those that were noted last, and of each the last `of_each` spans."""

    def __init__(self, *, keys: int = KEYS, of_each: int = OF_EACH, clock: Callable[[], float] = time.time) -> None:
        self.now = clock
        self.since_s = clock()
        self._most_keys = keys
        self._of_each = of_each
        self._kept: dict[str, list[TimeSpan]] = {}

    def note(self, key: str, name: str, began_s: float, ended_s: float | None = None, detail: str = "") -> None:
        """Without an end it has just ended."""
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= self._most_keys:
                del self._kept[next(iter(self._kept))]
            kept = self._kept[key] = []
        elif len(kept) >= self._of_each:
            del kept[0]
        kept.append(TimeSpan(name, began_s, self.now() if ended_s is None else ended_s, detail))

    def moment(self, key: str, name: str, detail: str = "") -> None:
        """Something that has just happened."""
        now_s = self.now()
        self.note(key, name, now_s, now_s, detail)

    def has(self, key: str, name: str, detail: str = "") -> bool:
        """Whether such a span is remembered."""
        return any(each.name == name and each.detail == detail for each in self._kept.get(key, ()))

    def of(self, keys: Iterable[str]) -> list[tuple[str, TimeSpan]]:
        """What is remembered under these keys, each with its key."""
        return [(key, each) for key in keys for each in self._kept.get(key, ())]
