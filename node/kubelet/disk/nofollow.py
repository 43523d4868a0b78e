"""Opens the kubelet's own files that containers can replace: links and everything but regular files are refused."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def is_regular_file(path: Path) -> bool:
    """Whether a regular file is there; a link is none."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def open_for_reading(path: Path) -> BinaryIO:
    """Refuses links and everything but regular files, and never blocks. Raises OSError."""
    return os.fdopen(_open(path, os.O_RDONLY), "rb")


def write(path: Path, content: bytes, mode: int) -> None:
    """Makes the file, or changes its content in place: containers that mount it see the change.

    Raises OSError; on a full disk before anything of the old content is lost.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(_open(path, os.O_WRONLY | os.O_CREAT), "wb") as opened:
        os.fchmod(opened.fileno(), mode)
        if content:
            os.posix_fallocate(opened.fileno(), 0, len(content))
        opened.write(content)
        opened.truncate()


def _open(path: Path, flags: int) -> int:
    opened = os.open(path, flags | _FLAGS, 0o600)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    return opened
