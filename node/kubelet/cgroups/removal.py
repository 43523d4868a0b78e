"""Ends what runs in a control group of v2, and removes the group with all below it.

https://docs.kernel.org/admin-guide/cgroup-v2.html: a group goes once it has neither processes nor groups below it,
which `populated` in `cgroup.events` tells; `cgroup.kill` also ends what is forked meanwhile.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

WITHIN_S = 10.0
_PAUSE_S = 0.02
_PROC = Path("/proc")


def remove(group: Path, within_s: float = WITHIN_S) -> None:
    """What is gone is gone. Raises OSError; one that says who is left when that has not ended in time."""
    until_s = time.monotonic() + within_s
    while not _is_gone(group):
        if time.monotonic() >= until_s:
            raise OSError(errno.EBUSY, _who_is_left(group, within_s), str(group))
        time.sleep(_PAUSE_S)


def tree(group: Path) -> Iterator[Path]:
    """The groups below it, then itself: in that order they can be removed."""
    for directory, _, _ in os.walk(group, topdown=False):
        yield Path(directory)


def _is_gone(group: Path) -> bool:
    """Or else it is to be tried again."""
    if not group.exists():
        return True
    try:
        if _is_populated(group):
            _kill(group)
            return False
        for each in tree(group):
            each.rmdir()
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENODEV}:  # the runtime removes containers' own
            return not group.exists()
        if error.errno == errno.EBUSY:  # it puts another process into it, or makes another group in it
            return False
        raise
    return True


def _is_populated(group: Path) -> bool:
    return "populated 1" in (group / "cgroup.events").read_text().splitlines()


def _kill(group: Path) -> None:
    """Kernels before 5.14 cannot; there it is waited for alone."""
    file = group / "cgroup.kill"
    if file.exists():
        file.write_text("1")


def _who_is_left(group: Path, within_s: float) -> str:
    found = [f"{pid} ({_command(pid)})" for each in tree(group) for pid in _pids(each)]
    if not found:
        return f"groups were made in it for {within_s:g} s while it was removed; the container runtime is still at work"
    return (
        f"processes {', '.join(found)} were killed and have not ended within {within_s:g} s; "
        "/proc/PID/stack tells what in the kernel they wait for"
    )


def _pids(group: Path) -> list[str]:
    try:
        return (group / "cgroup.procs").read_text().split()
    except OSError:  # it has gone meanwhile
        return []


def _command(pid: str) -> str:
    try:
        return (_PROC / pid / "comm").read_text().strip()
    except OSError:  # it has ended meanwhile
        return "?"
