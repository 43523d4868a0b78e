"""How much history to keep: the caller runs this beside a store; a store never compacts by itself."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from master.store.contract import Store
from master.store.errors import Closed, StoreError, Unreachable

_log = logging.getLogger(__name__)

# What a disk has to spare for it. As fast as anybody may write, it is reached in half a minute.
MOST_BYTES = 256 << 20
# Older ones than of an hour are of what is compacted by then.
_MARKS = 3600


def compaction_target(current: int, last_round: int, keep: int) -> int:
    """The revision to compact to: at least `keep` revisions stay, and all since the last round."""
    return max(0, min(last_round, current - keep))


class Marks:
    """How many bytes had been written at which revision."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, int]] = deque(maxlen=_MARKS)

    def mark(self, revision: int, written_bytes: int) -> None:
        """So many in all, up to this revision."""
        if not self._marks or self._marks[-1][0] != revision:
            self._marks.append((revision, written_bytes))

    def beyond(self, most_bytes: int) -> int:
        """The revision up to which history has to go so that no more than these bytes of it stay; 0 for none."""
        target = 0
        while self._marks and self._marks[-1][1] - self._marks[0][1] > most_bytes:
            self._marks.popleft()
            target = self._marks[0][0]
        return target


async def retain(
    store: Store,
    written_bytes: Callable[[], int],
    *,
    keep: int = 10_000,
    every_s: float = 300.0,
    most_bytes: int = MOST_BYTES,
    look_s: float = 1.0,
) -> None:
    """Compact round after round, until the store is closed. `written_bytes` tells of all that has been written.

    What stays is between one and two rounds of history, and never less than `keep` revisions. So a client has at
    least `every_s` to fetch its next page, or to take a watch up again. Only where more than `most_bytes` would stay,
    compaction begins early, for history is not to fill the disk.
    """
    marks = Marks()
    loop = asyncio.get_running_loop()
    last_round, next_round_s = 0, loop.time()
    try:
        while True:
            current = await _revision(store)
            marks.mark(current, written_bytes())
            target = marks.beyond(most_bytes)
            if target:
                _log.info("history holds more than %d MiB: what is before revision %d goes", most_bytes >> 20, target)
            if loop.time() >= next_round_s:
                target = max(target, compaction_target(current, last_round, keep))
                last_round, next_round_s = current, loop.time() + every_s
            if target:
                await _compact(store, target)
            await asyncio.sleep(min(look_s, every_s))
    except Closed:
        return


async def _revision(store: Store) -> int:
    """However long the store does not answer."""
    while True:
        try:
            return await store.revision()
        except Unreachable as error:
            _log.warning("how much history there is cannot be told: %s", error)


async def _compact(store: Store, target: int) -> None:
    try:
        await store.compact(target)
    except Closed:
        raise
    except StoreError as error:
        _log.error("compaction to revision %d: %s; tried again next round", target, error)
