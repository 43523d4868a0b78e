"""Tells when the whole node ran out of memory and the kernel ended a process for it.

What the kernel ends because its own container has too little is in that container's status (OOMKilled).
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

KERNEL_LOG = Path("/dev/kmsg")
# The kernel gives one record a read, which is at most so long.
_RECORD_BYTES = 8192
_VICTIM = re.compile(r"oom-kill:constraint=.*,global_oom,.*task=(?P<name>.*),pid=(?P<pid>\d+),uid=\d+")


def victim(record: str) -> tuple[str, int] | None:
    """Name and pid of the process that a record of the kernel's log says was ended for the node's sake."""
    found = _VICTIM.search(record)
    return (found["name"], int(found["pid"])) if found is not None else None


def message(name: str, pid: int) -> str:
    """Kubernetes' words."""
    return f"System OOM encountered, victim process: {name}, pid: {pid}"


async def run(tell: Callable[[str, str, str], None], path: Path = KERNEL_LOG) -> None:
    """Follows the kernel's log for ever. `tell` records an Event of the node: type, reason, message."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        os.lseek(opened, 0, os.SEEK_END)
    except OSError as error:  # as in a container that stands in for a host
        log.info("the kernel's log cannot be read, so that nobody is told of processes it ends: %s", error)
        return
    readable = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(opened, readable.set)
    try:
        while True:
            await readable.wait()
            readable.clear()
            for record in _records(opened):
                if (found := victim(record)) is not None:
                    log.warning("%s", message(*found))
                    tell("Warning", "SystemOOM", message(*found))
    finally:
        loop.remove_reader(opened)
        os.close(opened)


def _records(opened: int) -> list[str]:
    """Those that have come; some may have been overwritten before they were read."""
    records = []
    while True:
        try:
            records.append(os.read(opened, _RECORD_BYTES).decode(errors="replace"))
        except BlockingIOError:
            return records
        except BrokenPipeError:
            continue
