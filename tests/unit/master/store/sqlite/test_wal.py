"""What SQLite leaves out of a write-ahead log in silence is told."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from master.store.contract import Put
from master.store.sqlite import wal
from master.store.sqlite.store import SqliteStore
from master.store.sqlite.wal import Frame, Log

FRAME = 24 + 4096
NOW, BEFORE = (1 << 20, 80), ((1 << 20) - 1, 70)


@pytest.fixture
async def killed(tmp_path: Path) -> Path:
    """The files as a killed server leaves them: 30 commits of a page each, in the log alone."""
    store = await SqliteStore.open(tmp_path / "store.db")
    for number in range(30):
        await store.commit([Put(f"/{number:02}", os.urandom(4000), 0)])
    left = tmp_path / "left.db"
    for suffix in ("", "-wal"):
        left.with_name(f"left.db{suffix}").write_bytes((tmp_path / f"store.db{suffix}").read_bytes())
    await store.close()
    return left


async def keys(path: Path) -> int:
    store = await SqliteStore.open(path)
    found = await store.range("/")
    await store.close()
    return len(found.entries)


async def test_a_log_that_a_killed_server_left_is_whole_and_nothing_is_told(
    killed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert await keys(killed) == 30
    assert not caplog.messages


async def test_garbage_in_a_log_is_told_with_its_place(killed: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = killed.with_name("left.db-wal")
    size = log.stat().st_size
    place = 32 + (size - 32) // FRAME // 2 * FRAME
    with log.open("r+b") as file:
        file.seek(place)
        file.write(os.urandom(FRAME * 3))
    assert 0 < await keys(killed) < 30
    (told,) = caplog.messages
    assert str(log) in told
    assert "it ends early" in told
    assert "3 frames of garbage" in told
    assert "may be lost" in told


async def test_garbage_behind_a_log_is_told(killed: Path, caplog: pytest.LogCaptureFixture) -> None:
    with killed.with_name("left.db-wal").open("ab") as file:
        file.write(os.urandom(FRAME * 2))
    assert await keys(killed) == 30
    assert "2 frames of garbage" in caplog.text


async def test_a_damaged_header_is_told(killed: Path, caplog: pytest.LogCaptureFixture) -> None:
    with killed.with_name("left.db-wal").open("r+b") as file:
        file.write(os.urandom(32))
    assert await keys(killed) == 0
    assert "its header is damaged" in caplog.text


async def test_a_write_that_was_cut_off_is_told_as_such(killed: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = killed.with_name("left.db-wal")
    os.truncate(log, log.stat().st_size - 1000)
    assert await keys(killed) == 29
    assert "a write was cut off there before it was acknowledged" in caplog.text


def frames(*parts: tuple[tuple[int, int], bool]) -> Log:
    return Log(NOW, tuple(Frame(*part) for part in parts), 4096, 0)


@pytest.mark.parametrize(
    ("log", "taken", "told"),
    [
        (frames((NOW, True)), 1, ""),
        (frames((NOW, True), (BEFORE, True), (BEFORE, False)), 1, ""),
        (frames((NOW, True), (NOW, False)), 1, "cut off"),
        (frames((NOW, True), (NOW, False), (BEFORE, True)), 1, "cut off"),
        (frames((NOW, True), (NOW, False), (NOW, True)), 1, "cut off"),
        (frames((NOW, True), (NOW, True), (NOW, True)), 1, "may be lost"),
        (frames((NOW, True), ((0, 0), False)), 1, "1 frames of garbage"),
        (Log((1, 5), (Frame((0, 9), True),), 4096, 0), 0, ""),
        (Log((0, 5), (Frame(((1 << 32) - 1, 9), True),), 4096, 0), 0, ""),
        (Log(NOW, (), 4096, 100), 0, "cut off"),
        (Log(None, (), 0, 9000), 0, "header is damaged: nothing of its 9000 bytes"),
    ],
)
def test_leftovers_and_interrupted_writes_are_told_from_damage(log: Log, taken: int, told: str) -> None:
    said = wal.untold(log, taken)
    assert told in said
    assert bool(told) == bool(said)


def test_no_log_is_no_log(tmp_path: Path) -> None:
    assert wal.read(tmp_path / "store.db") is None
    (tmp_path / "store.db-wal").write_bytes(b"")
    assert wal.read(tmp_path / "store.db") is None
