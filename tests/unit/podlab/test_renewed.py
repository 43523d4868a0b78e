from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from pathlib import Path

import pytest
from podlab_testing.waiting import WITHIN_S

from podlab.renewed import Renewed, changes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "number"
    made.write_text("1")
    return made


def test_a_file_that_changes_is_read_again_and_only_then(path: Path) -> None:
    read: list[int] = []

    def make() -> int:
        read.append(int(path.read_text()))
        return read[-1]

    number = Renewed(make, [path])
    assert [number(), number(), read] == [1, 1, [1]]
    path.write_text("23")
    assert [number(), number(), read] == [23, 23, [1, 23]]


def test_what_cannot_be_used_leaves_what_there_was_and_is_told_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    number = Renewed(lambda: int(path.read_text()), [path])
    path.write_text("none")
    with caplog.at_level(logging.WARNING):
        assert [number(), number()] == [1, 1]
    assert [str(path) in one.getMessage() for one in caplog.records] == [True]
    path.unlink()
    assert number() == 1
    path.write_text("4")
    assert number() == 4


def test_what_cannot_be_read_at_first_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Renewed((tmp_path / "gone").read_bytes, [tmp_path / "gone"])


async def test_each_change_is_told_once() -> None:
    values = iter(("one", "one", "two", "two", "one"))
    asked = changes(lambda: next(values, "one"), "one", every_s=0.001)
    async with aclosing(asked) as told, asyncio.timeout(WITHIN_S):
        assert [await anext(told), await anext(told)] == ["two", "one"]
