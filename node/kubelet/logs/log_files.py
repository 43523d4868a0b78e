"""The files of containers' logs: found, rotated and removed.

The present log is `<n>.log`. Rotation renames `<n>.log.1` to `<n>.log.2`, and so on, and then `<n>.log` to `<n>.log.1`.
"""

from __future__ import annotations

from pathlib import Path

from node.kubelet.disk.nofollow import is_regular_file
from podlab.core.v1 import pod_pb2

LOG_ROOT = Path("/var/log/pods")
MAX_BYTES = 10 * 1024 * 1024
FILES = 5
# The longest name of a directory.
_MAX_NAME_BYTES = 255


def log_directory(pod: pod_pb2.Pod) -> Path:
    """Named as log collectors expect it; the pod's name is cut where the whole would be too long."""
    before, after = f"{pod.metadata.namespace}_", f"_{pod.metadata.uid}"
    return LOG_ROOT / f"{before}{pod.metadata.name[: _MAX_NAME_BYTES - len(before) - len(after)]}{after}"


def files(path: Path) -> list[Path]:
    """The log's files that exist, the oldest first."""
    rotated = [path.with_name(f"{path.name}.{number}") for number in range(FILES - 1, 0, -1)]
    return [each for each in (*rotated, path) if is_regular_file(each)]


def rotate(path: Path, max_bytes: int = MAX_BYTES) -> bool:
    """Renames a log that has grown too large. True when it did: then the runtime must open a new file."""
    if not is_regular_file(path) or path.stat().st_size < max_bytes:
        return False
    for number in range(FILES - 2, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if is_regular_file(older):
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    path.replace(path.with_name(f"{path.name}.1"))
    return True


def remove(path: Path) -> None:
    """All files of the log."""
    for each in files(path):
        each.unlink(missing_ok=True)
