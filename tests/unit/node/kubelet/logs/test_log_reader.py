"""Containers' logs: lines, tails, rotation, following."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.kubelet.logs import log_files, log_reader
from node.kubelet.logs.log_reader import LogOptions


def _line(number: int, *, tag: str = "F", text: str | None = None) -> str:
    return f"2030-01-01T00:00:{number % 60:02d}.5Z stdout {tag} {text if text is not None else f'line {number}'}\n"


async def _never() -> bool:
    return False


async def _read(path: Path, **options: object) -> str:
    pieces = [piece async for piece in log_reader.read(path, LogOptions(**options), _never)]  # type: ignore[arg-type]
    return b"".join(pieces).decode()


async def test_lines_are_given_as_the_container_wrote_them(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text(_line(1, tag="P", text="a long ") + _line(2, text="line") + _line(3, text="") + _line(4))
    assert await _read(path) == "a long line\n\nline 4\n"
    stamped = await _read(path, timestamps=True)
    assert stamped.splitlines()[0] == "2030-01-01T00:00:01.5Z a long line"
    assert len(stamped.splitlines()) == 3


async def test_bounds_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text("".join(_line(number) for number in range(5)))
    assert await _read(path, limit_bytes=9) == "line 0\nli"
    assert await _read(path, tail_lines=2) == "line 3\nline 4\n"
    assert await _read(path, tail_lines=0) == ""
    assert await _read(path, since_seconds=60) == "line 0\nline 1\nline 2\nline 3\nline 4\n"
    path.write_text("1999-01-01T00:00:00+02:00 stdout F old\n" + _line(1))
    assert await _read(path, since_seconds=60) == "line 1\n"
    assert await _read(path, since_time_ns=1_000_000_000_000_000_000) == "line 1\n"


async def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert await _read(tmp_path / "0.log", follow=True) == ""


async def test_a_tail_reaches_into_rotated_files(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    (tmp_path / "0.log.1").write_text(_line(1) + _line(2))
    path.write_text(_line(3))
    assert await _read(path, tail_lines=2) == "line 2\nline 3\n"
    assert await _read(path) == "line 1\nline 2\nline 3\n"


@given(
    sizes=st.lists(st.integers(0, 40_000), max_size=12),
    partial=st.lists(st.booleans(), min_size=12, max_size=12),
    wanted=st.integers(1, 6),
)
@settings(max_examples=60)
def test_a_tail_is_the_end_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], partial: list[bool], wanted: int
) -> None:
    path = tmp_path_factory.mktemp("logs") / "0.log"
    tags = ["P" if half else "F" for half in partial[: len(sizes)]]
    if tags:
        tags[-1] = "F"
    path.write_text(
        "".join(_line(n, tag=tag, text="x" * size) for n, (size, tag) in enumerate(zip(sizes, tags, strict=True)))
    )
    whole = asyncio.run(_read(path)).splitlines(keepends=True)
    # Of TAIL_BYTES that are read the first line, of 40,000 bytes at most, may be incomplete.
    limit_bytes = log_reader.TAIL_BYTES // 2
    assert log_reader.tail(path, wanted, limit_bytes).decode() == "".join(whole[-wanted:])[-limit_bytes:]


async def test_following_goes_on_across_a_rotation_until_the_container_ended(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text(_line(1))
    looks = 0

    async def running() -> bool:
        nonlocal looks
        looks += 1
        if looks == 2:
            with path.open("a") as log:
                log.write(_line(2) + "2030-01-01T00:00:03Z stdout F ha")
        if looks == 4:
            with path.open("a") as log:
                log.write("lf\n")
            path.replace(tmp_path / "0.log.1")
            path.write_text(_line(4))
        return looks < 7

    pieces = [piece async for piece in log_reader.read(path, LogOptions(follow=True), running)]
    assert b"".join(pieces) == b"line 1\nline 2\nhalf\nline 4\n"


def test_a_large_log_is_moved_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text("small")
    assert not log_files.rotate(path, max_bytes=10, max_files=5)
    for number in range(7):
        path.write_text(f"log number {number}")
        assert log_files.rotate(path, max_bytes=10, max_files=5)
        assert not path.exists()
    path.write_text("now")
    assert [file.name for file in log_files.files(path)] == ["0.log.4", "0.log.3", "0.log.2", "0.log.1", "0.log"]
    assert (tmp_path / "0.log.4").read_text() == "log number 3"
    path.write_text("large enough")
    assert log_files.rotate(path, max_bytes=10, max_files=2), "fewer files are kept from now on"
    assert [file.name for file in log_files.files(path)] == ["0.log.1"]
    log_files.remove(path)
    assert list(tmp_path.iterdir()) == []
