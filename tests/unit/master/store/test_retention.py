import asyncio
from pathlib import Path

import pytest

from master.store.contract import Put
from master.store.errors import Compacted
from master.store.retention import compaction_target, retain
from master.store.sqlite import SqliteStore


@pytest.mark.parametrize(
    ("current", "last_round", "keep", "target"),
    [
        (50, 0, 100, 0),  # the first round keeps all
        (50, 40, 100, 0),  # fewer than are always kept
        (500, 450, 100, 400),  # a quiet store keeps its hundred
        (5000, 450, 100, 450),  # a busy one keeps a whole round
        (500, 500, 0, 500),
    ],
)
def test_history_of_a_round_and_a_number_of_revisions_stays(
    current: int, last_round: int, keep: int, target: int
) -> None:
    assert compaction_target(current, last_round, keep) == target


async def read_until_refused(store: SqliteStore) -> None:
    while True:
        await store.range("/", revision=2)


async def test_rounds_go_on_until_the_store_is_closed(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "store.db")
    for _ in range(10):
        await store.commit([Put("/a", b"", None)])
    keeping = asyncio.ensure_future(retain(store, keep=3, every_s=0.001))
    with pytest.raises(Compacted, match="the oldest kept is 8"):
        await asyncio.wait_for(read_until_refused(store), 10)
    await store.close()
    await asyncio.wait_for(keeping, 10)
