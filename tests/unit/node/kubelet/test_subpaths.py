"""Paths within volumes: what is mounted, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.kubelet import mounting, subpaths
from node.kubelet.subpaths import SubPathError


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "volume"
    made.mkdir()
    made.chmod(0o2770)
    yield made
    mounting.unmount_below(tmp_path)


@pytest.mark.parametrize("sub_path", ["a", "a/b/c", "link/c", "./a/../a"])
def test_missing_directories_are_made_as_the_volume_is(volume: Path, tmp_path: Path, sub_path: str) -> None:
    (volume / "link").symlink_to("elsewhere")
    subpaths.bind(volume, sub_path, tmp_path / "at")
    assert os.path.samefile(tmp_path / "at", volume / sub_path)
    assert (tmp_path / "at").stat().st_mode & 0o7777 == 0o2770


def test_a_file_is_mounted_too_and_a_second_time_only_when_it_is_another(volume: Path, tmp_path: Path) -> None:
    (volume / "file").write_text("one")
    for _ in range(2):
        subpaths.bind(volume, "file", tmp_path / "at/file")
    assert mounting.mounted_below(tmp_path) == [tmp_path / "at/file"]
    (volume / "new").write_text("two")
    (volume / "new").rename(volume / "file")
    subpaths.bind(volume, "file", tmp_path / "at/file")
    assert (tmp_path / "at/file").read_text() == "two"
    assert mounting.mounted_below(tmp_path) == [tmp_path / "at/file"]


@pytest.mark.parametrize("sub_path", ["/etc", "out", "out/passwd", "../beside", "up/x"])
def test_nothing_outside_is_mounted(volume: Path, tmp_path: Path, sub_path: str) -> None:
    (volume / "out").symlink_to("/etc")
    (volume / "up").symlink_to("..")
    with pytest.raises(SubPathError, match="leads out of the volume"):
        subpaths.bind(volume, sub_path, tmp_path / "at")
    assert not (tmp_path / "at").exists()


def test_a_link_that_is_put_there_after_the_check_is_not_followed(
    volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (volume / "a").mkdir()
    resolve = Path.resolve

    def resolved_and_replaced(path: Path, strict: bool = False) -> Path:
        found = resolve(path, strict)
        if path.name == "a":
            (volume / "a").rmdir()
            (volume / "a").symlink_to("/etc")
        return found

    monkeypatch.setattr(Path, "resolve", resolved_and_replaced)
    with pytest.raises(SubPathError, match="a is a link"):
        subpaths.bind(volume, "a", tmp_path / "at")
