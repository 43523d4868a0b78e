"""What a node can run out of, and how its signals are named. Pure; names and resources are Kubernetes'.

https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#eviction-signals
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MEMORY: Final = "memory.available"
NODEFS: Final = "nodefs.available"
NODEFS_INODES: Final = "nodefs.inodesFree"
IMAGEFS: Final = "imagefs.available"
IMAGEFS_INODES: Final = "imagefs.inodesFree"
PID: Final = "pid.available"

MEMORY_PRESSURE: Final = "MemoryPressure"
DISK_PRESSURE: Final = "DiskPressure"
PID_PRESSURE: Final = "PIDPressure"


@dataclass(frozen=True)
class SignalFacts:
    """The node's condition while the signal is too low, and the resource that pods use up."""

    condition: str
    resource: str
    is_of_disk: bool = False


# Memory comes first: it is what a node dies of soonest.
SIGNALS: Final[Mapping[str, SignalFacts]] = {
    MEMORY: SignalFacts(MEMORY_PRESSURE, "memory"),
    NODEFS: SignalFacts(DISK_PRESSURE, "ephemeral-storage", is_of_disk=True),
    NODEFS_INODES: SignalFacts(DISK_PRESSURE, "inodes", is_of_disk=True),
    IMAGEFS: SignalFacts(DISK_PRESSURE, "ephemeral-storage", is_of_disk=True),
    IMAGEFS_INODES: SignalFacts(DISK_PRESSURE, "inodes", is_of_disk=True),
    PID: SignalFacts(PID_PRESSURE, "pids"),
}


@dataclass(frozen=True)
class Level:
    """How much is left, and how much there is at all: bytes, inodes or process ids."""

    available: int
    capacity: int


Levels = Mapping[str, Level]
"""By signal; one that cannot be read is missing."""
