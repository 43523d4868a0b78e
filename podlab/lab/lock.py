"""Locks between commands on this machine, released by the kernel when their holder dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from podlab.lab.errors import LabError

RETRY_S = 0.1


@contextmanager
def locked(path: Path, what: str, *, timeout_s: float = 300.0) -> Iterator[None]:
    """Hold the lock file at path, made when missing; `what` names the thing in the error after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while (descriptor := _try(path)) is None:
        if time.monotonic() > deadline:
            raise LabError(f"{what} is busy: another command has held {path} for {timeout_s:.0f} s")
        time.sleep(RETRY_S)
    try:
        yield
    finally:
        os.close(descriptor)


def _try(path: Path) -> int | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None  # the directory was removed between the two calls
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _still_there(path, descriptor):
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None


def _still_there(path: Path, descriptor: int) -> bool:
    """A lock on a file that its holder has removed protects nothing: the next one makes a new file."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
