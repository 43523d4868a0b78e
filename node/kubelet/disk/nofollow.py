"""Files of the kubelet's own that containers have in their hands: what might have come in their place is refused."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def is_regular(path: Path) -> bool:
    """Whether the file itself is there: a link is not."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def open_to_read(path: Path) -> BinaryIO:
    """The file itself: a link, and what is no regular file, is refused, and nobody is waited for. Raises OSError."""
    return os.fdopen(_open(path, os.O_RDONLY), "rb")


def write(path: Path, content: bytes, mode: int) -> None:
    """Makes the file, or changes what it holds: who has it mounted sees it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(_open(path, os.O_WRONLY | os.O_CREAT), "wb") as opened:
        os.fchmod(opened.fileno(), mode)
        opened.truncate()
        opened.write(content)


def _open(path: Path, flags: int) -> int:
    opened = os.open(path, flags | _FLAGS, 0o600)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    return opened
