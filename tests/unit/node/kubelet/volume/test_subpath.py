"""Paths within volumes: what is mounted, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.kubelet.volume import mounter, subpath
from node.kubelet.volume.subpath import SubPathError


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "volume"
    made.mkdir()
    made.chmod(0o2770)
    yield made
    mounter.unmount_below(tmp_path)


@pytest.mark.parametrize("sub_path", ["a", "a/b/c", "link/c", "./a/../a"])
def test_missing_directories_are_made_as_the_volume_is(volume: Path, tmp_path: Path, sub_path: str) -> None:
    (volume / "link").symlink_to("elsewhere")
    subpath.bind(volume, sub_path, tmp_path / "at")
    assert os.path.samefile(tmp_path / "at", volume / sub_path)
    assert (tmp_path / "at").stat().st_mode & 0o7777 == 0o2770


def test_a_file_is_mounted_too_and_a_second_time_only_when_it_is_another(volume: Path, tmp_path: Path) -> None:
    (volume / "file").write_text("one")
    for _ in range(2):
        subpath.bind(volume, "file", tmp_path / "at/file")
    assert mounter.mounted_below(tmp_path) == [tmp_path / "at/file"]
    (volume / "new").write_text("two")
    (volume / "new").rename(volume / "file")
    subpath.bind(volume, "file", tmp_path / "at/file")
    assert (tmp_path / "at/file").read_text() == "two"
    assert mounter.mounted_below(tmp_path) == [tmp_path / "at/file"]


@pytest.mark.parametrize("sub_path", ["/etc", "out", "out/passwd", "../beside", "up/x"])
def test_nothing_outside_is_mounted(volume: Path, tmp_path: Path, sub_path: str) -> None:
    (volume / "out").symlink_to("/etc")
    (volume / "up").symlink_to("..")
    with pytest.raises(SubPathError, match="leads out of the volume"):
        subpath.bind(volume, sub_path, tmp_path / "at")
    assert not (tmp_path / "at").exists()


@pytest.mark.parametrize("sub_path", ["loop", "loop/x", "deep/a", "chain0"])
def test_links_that_lead_nowhere_are_told(volume: Path, tmp_path: Path, sub_path: str) -> None:
    (volume / "loop").symlink_to("loop")
    (volume / "deep").mkdir()
    (volume / "deep/a").symlink_to("../deep/b")
    (volume / "deep/b").symlink_to("../deep/a")
    for number in range(100):
        (volume / f"chain{number}").symlink_to(f"chain{number + 1}")
    with pytest.raises(SubPathError, match="too many levels of symbolic links"):
        subpath.bind(volume, sub_path, tmp_path / "at")


def test_links_within_the_volume_are_followed(volume: Path, tmp_path: Path) -> None:
    (volume / "a/b").mkdir(parents=True)
    (volume / "a/up").symlink_to("../a/./b/..")
    subpath.bind(volume, "a/up/b", tmp_path / "at")
    assert os.path.samefile(tmp_path / "at", volume / "a/b")


def test_a_directory_that_is_moved_meanwhile_leads_no_further_than_the_volume(
    volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (volume / "a/b/c").mkdir(parents=True)
    step = subpath._step

    def step_and_move(at: int, part: str, root: os.stat_result) -> int:
        below = step(at, part, root)
        if part == "c":
            (volume / "a/b/c").rename(volume / "c")
        return below

    monkeypatch.setattr(subpath, "_step", step_and_move)
    with pytest.raises(SubPathError, match="leads out of the volume"):
        subpath.bind(volume, "a/b/c/../../..", tmp_path / "at")


def test_what_is_a_directory_one_time_may_be_a_file_the_next(volume: Path, tmp_path: Path) -> None:
    (volume / "was").mkdir()
    subpath.bind(volume, "was", tmp_path / "at")
    (volume / "was").rmdir()
    (volume / "was").write_text("a file")
    subpath.bind(volume, "was", tmp_path / "at")
    assert (tmp_path / "at").read_text() == "a file"
    (volume / "was").unlink()
    (volume / "was").mkdir()
    subpath.bind(volume, "was", tmp_path / "at")
    assert (tmp_path / "at").is_dir()
