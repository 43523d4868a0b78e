"""How full a volume is: what its filesystem says, what is in its tree, or what its driver says."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from node.kubelet.disk import file_tree
from podlab.foreign.csi.v1 import csi_pb2
from podlab.foreign.csi.v1.csi_pb2 import VolumeUsage


@dataclass(frozen=True)
class VolumeUse:
    """Bytes and inodes at `time_ns`; 0 is what nobody knows. `abnormal` is None where no driver says whether it is."""

    time_ns: int
    capacity: int = 0
    available: int = 0
    used: int = 0
    inodes: int = 0
    inodes_free: int = 0
    inodes_used: int = 0
    abnormal: bool | None = None


def of_filesystem(path: Path) -> VolumeUse:
    """Of all that is in the path's filesystem, the volume's own or one that it shares. Raises OSError."""
    status = os.statvfs(path)
    size = status.f_frsize
    return VolumeUse(
        time_ns=time.time_ns(),
        capacity=status.f_blocks * size,
        available=status.f_bavail * size,
        used=(status.f_blocks - status.f_bfree) * size,
        inodes=status.f_files,
        inodes_free=status.f_ffree,
        inodes_used=status.f_files - status.f_ffree,
    )


def of_tree(path: Path) -> VolumeUse:
    """`used` and `inodes_used` are those of the tree, the rest is its filesystem's. Raises OSError."""
    whole = of_filesystem(path)
    return VolumeUse(
        time_ns=whole.time_ns,
        capacity=whole.capacity,
        available=whole.available,
        used=file_tree.used_bytes(path),
        inodes=whole.inodes,
        inodes_free=whole.inodes_free,
        inodes_used=file_tree.count(path) + 1,
    )


def of_driver(told: csi_pb2.NodeGetVolumeStatsResponse) -> VolumeUse | None:
    """None when the driver told of no use."""
    if not told.usage:
        return None
    by_unit = {each.unit: each for each in told.usage}
    size = by_unit.get(VolumeUsage.BYTES, VolumeUsage())
    inodes = by_unit.get(VolumeUsage.INODES, VolumeUsage())
    return VolumeUse(
        time_ns=time.time_ns(),
        capacity=size.total,
        available=size.available,
        used=size.used,
        inodes=inodes.total,
        inodes_free=inodes.available,
        inodes_used=inodes.used,
        abnormal=told.volume_condition.abnormal if told.HasField("volume_condition") else None,
    )
