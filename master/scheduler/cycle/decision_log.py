"""Remembers the last decision about each pod, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict

from master.scheduler.cycle.explanation import Made
from podlab.api.objects import Key

BYTES_REMEMBERED = 32 << 20
PODS_REMEMBERED = 5000


class Decisions:
    """The last decision about each pod, as far back as BYTES_REMEMBERED of arrays and PODS_REMEMBERED let it."""

    def __init__(self) -> None:
        self._made: OrderedDict[Key, Made] = OrderedDict()
        self._bytes = 0

    def remember(self, key: Key, made: Made) -> None:
        """Instead of what was decided about the pod before."""
        self._bytes += made.nbytes - self._forget(key)
        self._made[key] = made
        while len(self._made) > 1 and (len(self._made) > PODS_REMEMBERED or self._bytes > BYTES_REMEMBERED):
            self._bytes -= self._forget(next(iter(self._made)))

    def get(self, key: Key) -> Made | None:
        """The last decision about the pod; None when none is remembered."""
        return self._made.get(key)

    def _forget(self, key: Key) -> int:
        before = self._made.pop(key, None)
        return before.nbytes if before is not None else 0
