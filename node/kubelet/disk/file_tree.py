"""Trees of files that containers have left: walked, measured, removed.

A container may nest directories by the thousand, give them paths that no system call takes, replace one by a link, and
change all of it meanwhile. So the walk is no recursion, each entry is reached from its open directory, no link is
followed, and what goes wrong with one entry leaves the others as they are. Other filesystems that are mounted in the
tree are left alone.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

# Two descriptors for each level; what is deeper is closed meanwhile, and opened again by its child's `..`.
_HELD = 200
_PARKED_NAMES = 100_000
_PASSES = 3
_BLOCK_BYTES = 512  # of stat(2), whatever the filesystem's own are
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass
class Faults:
    """What went wrong with single entries: how many, and the first of them."""

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
class Entry:
    """`parent` is the descriptor of the directory that it is in, open until the next entry is asked for."""

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

    def park(self, faults: Faults) -> None:
        """Gives its descriptors back, and keeps the names that are left."""
        names = list(islice(self.names, _PARKED_NAMES))
        if next(self.names, None) is not None:
            faults.add(OSError(errno.E2BIG, "has too many entries so deep in a tree", self.name))
        self.names = iter(names)
        self.close()

    def resume(self, child: int) -> None:
        """Opens it by a directory in it. Raises OSError when that is no more in it."""
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


def entries(root: int, faults: Faults) -> Iterator[Entry]:
    """All that is below the open directory, a directory after what is in it. What vanishes meanwhile is no fault."""
    levels = [_Level(os.open(".", DIRECTORY, dir_fd=root), ".", os.fstat(root))]
    device = levels[0].status.st_dev
    try:
        while levels:
            level = levels[-1]
            name = next(level.names, None)
            if name is None:
                yield from _leave(levels, faults)
                continue
            try:
                status = os.stat(name, dir_fd=level.opened, follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode):
                    yield Entry(level.opened, name, status)
                    continue
                levels.append(_enter(level.opened, name, device))
            except FileNotFoundError:
                continue
            except OSError as error:
                faults.add(error)
                continue
            if len(levels) > _HELD:
                level.park(faults)
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
    total, walk = 0, entries(opened, Faults())
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


def _leave(levels: list[_Level], faults: Faults) -> Iterator[Entry]:
    """The last level is done: goes back to the one above, and yields the directory that was left."""
    done = levels.pop()
    try:
        if levels and levels[-1].opened < 0:
            try:
                levels[-1].resume(done.opened)
            except OSError as error:
                faults.add(error)
                while levels[-1].opened < 0:
                    levels.pop()
                return
    finally:
        done.close()
    if levels:
        yield Entry(levels[-1].opened, done.name, done.status)


def _remove(parent: int, name: str) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=parent)
        return
    opened = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        # Again for what was moved while it was walked.
        for _ in range(_PASSES):
            faults = Faults()
            for entry in entries(opened, faults):
                _remove_one(entry, faults)
            if not faults.count:
                break
        faults.check()
    finally:
        os.close(opened)
    os.rmdir(name, dir_fd=parent)


def _remove_one(entry: Entry, faults: Faults) -> None:
    try:
        if entry.is_directory:
            os.rmdir(entry.name, dir_fd=entry.parent)
        else:
            os.unlink(entry.name, dir_fd=entry.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        faults.add(error)
