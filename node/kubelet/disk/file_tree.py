"""Walks, measures and removes trees of files that containers have left.

A container may nest directories by the thousand, give them paths that are too long for system calls, replace one by a
link, and change the tree meanwhile. So the walk is not recursive, opens each entry from its open directory, follows no
link, and goes on after an error with one entry. It does not enter other filesystems that are mounted in the tree.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

# Open levels, with two descriptors each. Others are closed meanwhile, and opened again by `..` of their child.
_MAX_OPEN = 200
_PARKED_NAMES = 100_000
_PASSES = 3
_BLOCK_BYTES = 512  # of stat(2), whatever the filesystem's own are
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass
class WalkErrors:
    """Errors with single entries: their number, and the first of them."""

    count: int = 0
    first: OSError | None = None

    def add(self, error: OSError) -> None:
        self.count += 1
        self.first = self.first or error

    def check(self) -> None:
        """Raises OSError when something went wrong."""
        if self.first is not None:
            more = f" (and {self.count - 1} more)" if self.count > 1 else ""
            raise OSError(self.first.errno, f"{self.first.strerror}: {self.first.filename!r}{more}") from self.first


@dataclass(frozen=True)
class TreeEntry:
    """`parent` is the descriptor of its directory, which is open until the next entry is asked for."""

    parent: int
    name: str
    status: os.stat_result

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)


@dataclass
class _Level:
    """A directory that is being walked. While it is parked its descriptor is -1."""

    opened: int
    name: str
    status: os.stat_result
    names: Iterator[str] = field(init=False)
    _scan: os._ScandirIterator[str] | None = field(init=False)

    def __post_init__(self) -> None:
        self._scan = os.scandir(self.opened)
        self.names = (entry.name for entry in self._scan)

    def park(self, errors: WalkErrors) -> None:
        """Closes its descriptors, and keeps the names that are left."""
        names = list(islice(self.names, _PARKED_NAMES))
        if next(self.names, None) is not None:
            errors.add(OSError(errno.E2BIG, "has too many entries so deep in a tree", self.name))
        self.names = iter(names)
        self.close()

    def resume(self, child: int) -> None:
        """Opens it by a directory in it. Raises OSError when that directory was moved out of it."""
        opened = os.open("..", DIRECTORY, dir_fd=child)
        if not os.path.samestat(os.fstat(opened), self.status):
            os.close(opened)
            raise OSError(errno.ESTALE, "was moved while it was walked", self.name)
        self.opened = opened

    def close(self) -> None:
        if self._scan is not None:
            self._scan.close()
            self._scan = None
        if self.opened >= 0:
            os.close(self.opened)
            self.opened = -1


def entries(root: int, errors: WalkErrors) -> Iterator[TreeEntry]:
    """All that is below the open directory, a directory after its entries. What vanishes meanwhile is no error."""
    levels = [_Level(os.open(".", DIRECTORY, dir_fd=root), ".", os.fstat(root))]
    device = levels[0].status.st_dev
    try:
        while levels:
            level = levels[-1]
            name = next(level.names, None)
            if name is None:
                yield from _leave(levels, errors)
                continue
            try:
                status = os.stat(name, dir_fd=level.opened, follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode):
                    yield TreeEntry(level.opened, name, status)
                    continue
                levels.append(_enter(level.opened, name, device))
            except FileNotFoundError:
                continue
            except OSError as error:
                errors.add(error)
                continue
            if len(levels) > _MAX_OPEN:
                level.park(errors)
    finally:
        for level in levels:
            level.close()


def remove(path: Path) -> None:
    """The directory and all that is in it; a link is removed as such. Success when there is nothing.

    Raises OSError with the first of what cannot be removed; all else is gone then.
    """
    try:
        parent = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        _remove(parent, path.name)
    except FileNotFoundError:
        return
    finally:
        os.close(parent)


def used_bytes(path: Path, limit: int | None = None) -> int:
    """What a file, or all below a directory, takes on the disk; beyond `limit` no more is counted. Raises OSError.

    A file with several names is counted once, each name for its part.
    """
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return found.st_blocks * _BLOCK_BYTES
    opened = os.open(path, DIRECTORY)
    total, walk = 0, entries(opened, WalkErrors())
    try:
        for entry in walk:
            names = 1 if entry.is_directory else max(1, entry.status.st_nlink)
            total += entry.status.st_blocks * _BLOCK_BYTES // names
            if limit is not None and total > limit:
                break
    finally:
        walk.close()  # type: ignore[attr-defined]
        os.close(opened)
    return total


def count(path: Path) -> int:
    """How many files and directories there are below a directory. Raises OSError."""
    opened = os.open(path, DIRECTORY)
    try:
        return sum(1 for _ in entries(opened, WalkErrors()))
    finally:
        os.close(opened)


def _enter(parent: int, name: str, device: int) -> _Level:
    opened = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        status = os.fstat(opened)
        if status.st_dev != device:
            raise OSError(errno.EXDEV, "another filesystem is mounted there", name)
        return _Level(opened, name, status)
    except BaseException:
        os.close(opened)
        raise


def _leave(levels: list[_Level], errors: WalkErrors) -> Iterator[TreeEntry]:
    """The last level is done: goes back to the one above, and yields the directory that was left."""
    done = levels.pop()
    try:
        if levels and levels[-1].opened < 0:
            try:
                levels[-1].resume(done.opened)
            except OSError as error:
                errors.add(error)
                while levels[-1].opened < 0:
                    levels.pop()
                return
    finally:
        done.close()
    if levels:
        yield TreeEntry(levels[-1].opened, done.name, done.status)


def _remove(parent: int, name: str) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=parent)
        return
    opened = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        # Again for what was moved while it was walked.
        for _ in range(_PASSES):
            errors = WalkErrors()
            for entry in entries(opened, errors):
                _remove_one(entry, errors)
            if not errors.count:
                break
        errors.check()
    finally:
        os.close(opened)
    os.rmdir(name, dir_fd=parent)


def _remove_one(entry: TreeEntry, errors: WalkErrors) -> None:
    try:
        if entry.is_directory:
            os.rmdir(entry.name, dir_fd=entry.parent)
        else:
            os.unlink(entry.name, dir_fd=entry.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        errors.add(error)
