"""Trees as no well-meaning container leaves them."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from node.kubelet.disk import file_tree
from node.kubelet.disk.file_tree import WalkErrors
from node.kubelet.volume import mounter

LONG = "n" * 255


def nest(root: Path, depth: int, name: str = "d") -> None:
    """Directories in one another, with a file in the innermost and one in the root."""
    at = os.open(root, file_tree.DIRECTORY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=at)
        below = os.open(name, file_tree.DIRECTORY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.write(made := os.open("large", os.O_CREAT | os.O_WRONLY, dir_fd=at), b"x" * 50_000)
    os.close(made)
    os.close(at)


def odd_names(root: Path) -> None:
    for name in (b"new\nline", b"\xff\xfe", b"-rf", b" ", b"*", os.fsencode(LONG)):
        os.mkdir(os.fsencode(root) + b"/" + name)


def odd_kinds(root: Path) -> None:
    os.mkfifo(root / "fifo")
    os.mknod(root / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    (root / "link").symlink_to("/etc")
    (root / "loop").symlink_to("loop")
    (root / "shut").mkdir(mode=0)
    (root / "shut/file").touch(0)


SHAPES: dict[str, Callable[[Path], None]] = {
    "1,100 directories in one another": lambda root: nest(root, 1100),
    "a path of 51,000 bytes": lambda root: nest(root, 200, LONG),
    "names of any bytes": odd_names,
    "no files": odd_kinds,
    "1,000 entries": lambda root: [(root / str(number)).touch() for number in range(1000)] and None,
}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "root"
    made.mkdir()
    yield made
    file_tree.remove(made)  # pytest's own way fails over what is here


@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_stands_there_is_measured_and_removed(root: Path, tmp_path: Path, shape: str) -> None:
    (tmp_path / "beside").mkdir()
    SHAPES[shape](root)
    file_tree.used_bytes(root)
    file_tree.remove(root)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beside"]
    file_tree.remove(root)


def test_what_links_lead_to_stays(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/kept").touch()
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "a").mkdir()
    (root / "a/kept").symlink_to(tmp_path / "outside/kept")
    file_tree.remove(root)
    assert (tmp_path / "outside/kept").exists()
    (tmp_path / "link").symlink_to("outside")
    file_tree.remove(tmp_path / "link")
    assert (tmp_path / "outside/kept").exists()
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("depth", [1, 1100])
def test_what_lies_deep_is_counted(root: Path, depth: int) -> None:
    nest(root, depth)
    assert file_tree.used_bytes(root) >= 50_000
    assert file_tree.used_bytes(root, 10_000) > 10_000


def test_blocks_are_counted_once_whatever_names_and_holes_a_file_has(root: Path) -> None:
    (root / "one").write_bytes(b"x" * 100_000)
    once = file_tree.used_bytes(root)
    for number in range(9):
        os.link(root / "one", root / f"also{number}")
    (root / "holes").touch()
    os.truncate(root / "holes", 1 << 30)
    assert once - 10 * 512 <= file_tree.used_bytes(root) <= once


def test_another_filesystem_is_not_walked_and_keeps_its_files(root: Path) -> None:
    (root / "a/mounted").mkdir(parents=True)
    mounter.tmpfs(root / "a/mounted", 1 << 20, 0o755)
    (root / "a/mounted/kept").write_bytes(b"x" * 500_000)
    (root / "b").write_text("removed")
    try:
        assert file_tree.used_bytes(root) < 100_000
        with pytest.raises(OSError, match="another filesystem is mounted there: 'mounted'"):
            file_tree.remove(root)
        assert (root / "a/mounted/kept").exists()
        assert not (root / "b").exists(), "the others are gone all the same"
    finally:
        mounter.unmount_below(root)


def test_files_that_come_and_go_hide_nothing(root: Path) -> None:
    """A container makes and removes files and moves directories as fast as it can."""
    (root / "large").write_bytes(b"x" * 1_000_000)
    for number in range(20):
        (root / f"d{number}").mkdir()
    done = threading.Event()

    def churn() -> None:
        number = 0
        while not done.is_set():
            number += 1
            at = root / f"d{number % 20}"
            (at / "file").touch()
            (at / "file").rename(root / "moved")
            (root / "moved").unlink()
            at.rename(root / "elsewhere")
            (root / "elsewhere").rename(at)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        assert all(file_tree.used_bytes(root) >= 1_000_000 for _ in range(200))
    finally:
        done.set()
        thread.join()


def test_a_deep_directory_that_is_moved_while_it_is_walked_ends_its_branch_only(root: Path) -> None:
    nest(root, 500)
    (root / "zz").mkdir()
    (root / "zz/seen").touch()
    opened, faults, seen = os.open(root, file_tree.DIRECTORY), WalkErrors(), []
    for entry in file_tree.entries(opened, faults):
        seen.append(entry.name)
        if entry.name == "large":  # in the innermost: moved from below its parent
            _lift(entry.parent, opened)
    os.close(opened)
    assert faults.count == 1
    assert "seen" in seen


def _lift(innermost: int, root: int) -> None:
    """Moves the innermost directory to the root."""
    above = os.open("..", file_tree.DIRECTORY, dir_fd=innermost)
    os.rename("d", "elsewhere", src_dir_fd=above, dst_dir_fd=root)
    os.close(above)


def test_descriptors_are_given_back(root: Path) -> None:
    nest(root, 1100)
    before = len(os.listdir("/proc/self/fd"))
    file_tree.used_bytes(root, 1)
    file_tree.used_bytes(root)
    assert len(os.listdir("/proc/self/fd")) == before
