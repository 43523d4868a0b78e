"""subPath: paths within volumes, opened and mounted so that a container cannot lead the kubelet out of the volume.

Containers may change the volume meanwhile: directories become links, links lead out of it or in circles. So each part
of the path is opened from its open parent, links are followed within the volume, and what was opened at the end is
mounted by its file descriptor.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from node.kubelet.disk import file_tree
from node.kubelet.volume import mounter

_OPEN_FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o7777
# The kernel follows as many in one path.
_MAX_LINKS = 40


class SubPathError(Exception):
    """The path cannot be opened; the message says why."""


def bind(volume: Path, sub_path: str, target: Path) -> None:
    """Mounts the path within the volume on `target`. Missing directories are made, with the mode of the volume's root.

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
                if links > _MAX_LINKS:
                    raise SubPathError("too many levels of symbolic links")
                continue
            os.close(at)
            at = below
    except BaseException:
        os.close(at)
        raise
    return at


def _step(at: int, part: str, root: os.stat_result) -> int:
    """Opens the part of the path in the open directory."""
    if part != "..":
        return _open_part(at, part, root.st_mode & _MODE)
    # A container may move the directory within the volume, but `..` never leads above the volume's root.
    if os.path.samestat(os.fstat(at), root):
        raise SubPathError("leads out of the volume")
    return os.open("..", _OPEN_FLAGS, dir_fd=at)


def _open_part(parent: int, name: str, mode: int) -> int:
    try:
        return os.open(name, _OPEN_FLAGS, dir_fd=parent)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):  # another container's was made meanwhile
            os.mkdir(name, 0o700, dir_fd=parent)
    made = os.open(name, file_tree.DIRECTORY, dir_fd=parent)
    os.fchmod(made, mode)
    return made


def _target(link: int) -> list[str]:
    """The parts of the target of the open link, which is closed."""
    try:
        return _parts(os.readlink("", dir_fd=link))
    finally:
        os.close(link)


def _parts(path: str) -> list[str]:
    """The parts of the path, the first part last."""
    if path.startswith("/"):
        raise SubPathError("leads out of the volume")
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
