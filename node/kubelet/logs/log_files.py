"""The files of containers' logs: where they are, which there are, rotated and removed.

The running log is `<n>.log`; rotation renames it to `<n>.log.1`, after what was there moved up.
"""

from __future__ import annotations

from pathlib import Path

from node.kubelet.disk.nofollow import is_regular
from podlab.core.v1 import pod_pb2

LOG_ROOT = Path("/var/log/pods")
MAX_BYTES = 10 * 1024 * 1024
FILES = 5
# Of one directory in a path.
_NAME_BYTES = 255


def log_directory(pod: pod_pb2.Pod) -> Path:
    """Named as collectors of logs know it, the pod's name shortened where the whole is too long for a directory."""
    before, after = f"{pod.metadata.namespace}_", f"_{pod.metadata.uid}"
    return LOG_ROOT / f"{before}{pod.metadata.name[: _NAME_BYTES - len(before) - len(after)]}{after}"


def files(path: Path) -> list[Path]:
    """The log's files that exist, the oldest first."""
    rotated = [path.with_name(f"{path.name}.{number}") for number in range(FILES - 1, 0, -1)]
    return [each for each in (*rotated, path) if is_regular(each)]


def rotate(path: Path) -> bool:
    """Moves a log that has grown too large aside; True when it did, and the runtime must open a new one."""
    if not is_regular(path) or path.stat().st_size < MAX_BYTES:
        return False
    for number in range(FILES - 2, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if is_regular(older):
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    path.replace(path.with_name(f"{path.name}.1"))
    return True


def remove(path: Path) -> None:
    """All files of the log."""
    for each in files(path):
        each.unlink(missing_ok=True)
