"""Paths within volumes, as containers mount them: what is looked at is what is mounted, whatever links say by then.

Containers that write to a volume may change it meanwhile: links that lead out of it or in circles, directories that
become links. So the path is gone part by part, by open directories; links are read and gone likewise, within the
volume; and what was opened at the end is mounted, by its number.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from node.kubelet.disk import file_tree
from node.kubelet.volume import mounter

_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o7777
# As many as the kernel follows in one path.
_LINKS = 40


class SubPathError(Exception):
    """The path is not to be had; the message says why."""


def bind(volume: Path, sub_path: str, target: Path) -> None:
    """Mounts the path within the volume on `target`; directories that are missing are made, as open as the volume's.

    Raises SubPathError when it leads out of the volume or nowhere, MountError, and OSError.
    """
    opened = _open(volume, sub_path)
    try:
        mounter.bind(opened, target)
    finally:
        os.close(opened)


def _open(volume: Path, sub_path: str) -> int:
    """The caller closes what is returned."""
    at = os.open(volume, os.O_PATH | os.O_CLOEXEC)
    root = os.fstat(at)
    ahead, links = _parts(sub_path), 0
    try:
        while ahead:
            below = _step(at, ahead.pop(), root)
            if stat.S_ISLNK(os.fstat(below).st_mode):
                links += 1
                ahead += _target(below)
                if links > _LINKS:
                    raise SubPathError("too many levels of symbolic links")
                continue
            os.close(at)
            at = below
    except BaseException:
        os.close(at)
        raise
    return at


def _step(at: int, part: str, root: os.stat_result) -> int:
    """What the name stands for in the open directory."""
    if part != "..":
        return _open_part(at, part, root.st_mode & _MODE)
    # Wherever a container moves the directory within the volume, the way up ends at the volume's root.
    if os.path.samestat(os.fstat(at), root):
        raise SubPathError("leads out of the volume")
    return os.open("..", _PLACE, dir_fd=at)


def _open_part(parent: int, name: str, mode: int) -> int:
    try:
        return os.open(name, _PLACE, dir_fd=parent)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):  # another container's has just been made
            os.mkdir(name, 0o700, dir_fd=parent)
    made = os.open(name, file_tree.DIRECTORY, dir_fd=parent)
    os.fchmod(made, mode)
    return made


def _target(link: int) -> list[str]:
    """Where the open link leads; it is closed."""
    try:
        return _parts(os.readlink("", dir_fd=link))
    finally:
        os.close(link)


def _parts(path: str) -> list[str]:
    """The parts of the path, the first one last."""
    if path.startswith("/"):
        raise SubPathError("leads out of the volume")
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
