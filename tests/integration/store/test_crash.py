"""SIGKILL in a loop while several writers commit: what was acknowledged is there, and nothing is half there."""

import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from podlab_testing.source_code import PROJECT

from master.store.sqlite.store import SqliteStore

PROGRAM = Path(__file__).with_name("writing_process.py")
KILLS = 20
START_S = 20.0

Acknowledged = dict[int, tuple[int, int]]


def write_until_killed(path: Path, acknowledgements: int) -> list[tuple[int, int, int]]:
    """Run the writing process, kill it once it has acknowledged so many commits; return all that it acknowledged."""
    process = subprocess.Popen(
        [sys.executable, PROGRAM, path],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert process.stdout is not None
    with process, process.stdout as lines:
        assert lines.readline() == "open\n", "the writing process did not start"
        seen = [lines.readline() for _ in range(acknowledgements)]
        process.send_signal(signal.SIGKILL)
        seen += lines.readlines()  # acknowledged before the kill, still in the pipe
        assert process.wait(START_S) == -signal.SIGKILL
    complete = [line.split() for line in seen if line.endswith("\n")]
    return [(int(writer), int(number), int(revision)) for writer, number, revision in complete]


async def check(path: Path, acknowledged: Acknowledged) -> None:
    """Nothing acknowledged is lost, no commit is half there, and the store is at least where it said it was."""
    store = await SqliteStore.open(path)
    try:
        found = await store.range("/")
        assert found.revision >= max(revision for _, revision in acknowledged.values())
        values = {entry.key: entry for entry in found.entries}
        logged: dict[int, set[int]] = defaultdict(set)
        for key in values:
            if key.startswith("/log/"):
                _, _, writer_name, number_name = key.split("/")
                logged[int(writer_name)].add(int(number_name))
        for writer, (number, revision) in acknowledged.items():
            parts = [values[f"/{part}/{writer}"] for part in "abc"]
            assert len({(part.value, part.mod_revision) for part in parts}) == 1
            last = int(parts[0].value)
            assert last in (number, number + 1), "lost, or ahead by more than the one commit under way"
            assert parts[0].mod_revision >= revision
            assert logged[writer] == set(range(max(1, last - 9), last + 1))
    finally:
        await store.close()


async def test_no_acknowledged_write_is_lost_and_none_is_half_there(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    acknowledged: Acknowledged = {}
    chance = random.Random(20)
    highest = 0
    for _ in range(KILLS):
        told = write_until_killed(path, chance.randint(20, 1500))
        revisions = [revision for _, _, revision in told]
        assert len(set(revisions)) == len(revisions)
        assert min(revisions) > highest, "a revision was given out twice"
        highest = max(revisions)
        acknowledged |= {writer: (number, revision) for writer, number, revision in told}
        await check(path, acknowledged)
