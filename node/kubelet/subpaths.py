"""Paths within volumes, as containers mount them: what is checked is what is mounted, whatever links say by then.

Containers that write to a volume could put a link in the place of a directory after it was looked at. So each part of
the path is opened without following links, and the file that was opened is mounted, by its number.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from node.kubelet import mounting

_OPEN = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o7777


class SubPathError(Exception):
    """The path is not to be had; the message says why."""


def bind(volume: Path, sub_path: str, target: Path) -> None:
    """Mounts the path within the volume on `target`; directories that are missing are made, as open as the volume's.

    Raises SubPathError when it leads out of the volume, MountError, and OSError.
    """
    root = volume.resolve()
    found = (root / sub_path).resolve()
    if not found.is_relative_to(root):
        raise SubPathError("leads out of the volume")
    opened = _open(root, found.relative_to(root).parts)
    try:
        mounting.bind(opened, target)
    finally:
        os.close(opened)


def _open(root: Path, parts: tuple[str, ...]) -> int:
    """The caller closes what is returned."""
    at = os.open(root, _OPEN)
    try:
        mode = os.fstat(at).st_mode & _MODE
        for part in parts:
            below = _open_part(at, part, mode)
            os.close(at)
            at = below
            if stat.S_ISLNK(os.fstat(at).st_mode):
                raise SubPathError(f"changed while it was mounted: {part} is a link")
    except BaseException:
        os.close(at)
        raise
    return at


def _open_part(parent: int, name: str, mode: int) -> int:
    try:
        return os.open(name, _OPEN, dir_fd=parent)
    except FileNotFoundError:
        with contextlib.suppress(FileExistsError):  # another container's has just been made
            os.mkdir(name, 0o700, dir_fd=parent)
    made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    os.fchmod(made, mode)
    return made
