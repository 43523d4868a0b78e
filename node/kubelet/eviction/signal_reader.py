"""Reads how much is left of what a node can run out of."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psutil

from node.kubelet.cri.runtime import RuntimeInfo
from node.kubelet.eviction.signals import (
    IMAGEFS,
    IMAGEFS_INODES,
    MEMORY,
    NODEFS,
    NODEFS_INODES,
    PID,
    Level,
    Levels,
)

PID_MAX = Path("/proc/sys/kernel/pid_max")


class SignalReader:
    """`root` is on the filesystem of volumes and logs, nodefs; images and containers' own layers are on the runtime's,
    imagefs, which may be the same."""

    def __init__(self, root: Path, runtime: RuntimeInfo) -> None:
        self._root = root
        self._runtime = runtime
        self._image_path: Path | None = None

    async def read(self) -> Levels:
        """Raises OSError, RuntimeFailure."""
        images = await self.image_path()
        return await asyncio.to_thread(_levels, self._root, images)

    async def image_path(self) -> Path:
        """Where the runtime keeps images. Raises RuntimeFailure."""
        if self._image_path is None:
            self._image_path = await self._runtime.image_directory()
        return self._image_path


def _levels(root: Path, images: Path) -> Levels:
    memory = psutil.virtual_memory()
    found = {MEMORY: Level(int(memory.available), int(memory.total)), PID: _pids()}
    for path, blocks, inodes in ((root, NODEFS, NODEFS_INODES), (images, IMAGEFS, IMAGEFS_INODES)):
        status = os.statvfs(path)
        found[blocks] = Level(status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize)
        if status.f_files:  # btrfs makes inodes as it needs them
            found[inodes] = Level(status.f_favail, status.f_files)
    return found


def _pids() -> Level:
    most = int(PID_MAX.read_text())
    threads = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
    return Level(most - threads, most)
