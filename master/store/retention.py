"""How much history to keep: the caller runs this beside a store; a store never compacts by itself."""

import asyncio
import logging

from master.store.contract import Store
from master.store.errors import Closed, StoreError

_log = logging.getLogger(__name__)


def compaction_target(current: int, last_round: int, keep: int) -> int:
    """The revision to compact to: at least `keep` revisions stay, and all since the last round."""
    return max(0, min(last_round, current - keep))


async def retain(store: Store, *, keep: int = 10_000, every_s: float = 300.0) -> None:
    """Compact round after round, until the store is closed.

    What stays is between one and two rounds of history, and never less than `keep` revisions. So a client has at
    least `every_s` to fetch its next page, or to take a watch up again.
    """
    try:
        last_round = 0
        while True:
            current = await store.revision()
            target = compaction_target(current, last_round, keep)
            if target:
                await _compact(store, target)
            last_round = current
            await asyncio.sleep(every_s)
    except Closed:
        return


async def _compact(store: Store, target: int) -> None:
    try:
        await store.compact(target)
    except Closed:
        raise
    except StoreError as error:
        _log.error("compaction to revision %d: %s; tried again next round", target, error)
