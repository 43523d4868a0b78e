"""The files of containers' logs: found, rotated and removed.

The present log is `<n>.log`. Rotation renames `<n>.log.1` to `<n>.log.2`, and so on, and then `<n>.log` to `<n>.log.1`.
"""

from __future__ import annotations

from pathlib import Path

from node.kubelet.disk.nofollow import is_regular_file
from podlab.core.v1 import pod_pb2

LOG_ROOT = Path("/var/log/pods")
# The longest name of a directory.
_MAX_NAME_BYTES = 255


def log_directory(pod: pod_pb2.Pod) -> Path:
    """Named as log collectors expect it; the pod's name is cut where the whole would be too long."""
    before, after = f"{pod.metadata.namespace}_", f"_{pod.metadata.uid}"
    return LOG_ROOT / f"{before}{pod.metadata.name[: _MAX_NAME_BYTES - len(before) - len(after)]}{after}"


def files(path: Path) -> list[Path]:
    """The log's files that exist, the oldest first."""
    return [each for _, each in sorted(_rotated(path), reverse=True)] + ([path] if is_regular_file(path) else [])


def rotate(path: Path, max_bytes: int, max_files: int) -> bool:
    """Renames a log that has grown too large, and removes the files that are too many then. True when it did: then the
    runtime must open a new file."""
    if not is_regular_file(path) or path.stat().st_size < max_bytes:
        return False
    for number, older in sorted(_rotated(path), reverse=True):
        if number >= max_files - 1:
            older.unlink(missing_ok=True)
        else:
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    path.replace(path.with_name(f"{path.name}.1"))
    return True


def _rotated(path: Path) -> list[tuple[int, Path]]:
    """Earlier files of the log by their number, however many there may be now."""
    try:
        names = [each.name for each in path.parent.iterdir()]
    except FileNotFoundError:
        return []
    prefix = f"{path.name}."
    numbers = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    found = [(int(number), path.with_name(prefix + number)) for number in numbers if number.isdecimal()]
    return [(number, each) for number, each in found if is_regular_file(each)]


def remove(path: Path) -> None:
    """All files of the log."""
    for each in files(path):
        each.unlink(missing_ok=True)
