"""fsGroup: the group that owns a pod's volumes, so that containers of any user may write to them.

https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from node.kubelet.disk import file_tree
from node.kubelet.disk.file_tree import WalkErrors
from podlab.core.v1 import pod_pb2

_FILE = 0o660
_DIRECTORY = _FILE | stat.S_ISGID | 0o110  # files made in it get the group too


def group_of(pod: pod_pb2.Pod) -> int | None:
    """The group that owns the pod's volumes, if any."""
    context = pod.spec.securityContext
    return context.fsGroup if context.HasField("fsGroup") else None


def set_group(root: Path, group: int, *, only_if_root_differs: bool) -> None:
    """Gives everything below the root to the group, to read and write. Owners stay. Raises OSError.

    `only_if_root_differs` skips the walk, which can take long, when the root has the group already.
    """
    if only_if_root_differs and _has_group(root, group):
        return
    opened, faults = os.open(root, file_tree.DIRECTORY), WalkErrors()
    try:
        for entry in file_tree.entries(opened, faults):
            try:
                _set_one(entry.parent, entry.name, group)
            except FileNotFoundError:
                continue
            except OSError as error:
                faults.add(error)
        faults.check()
        # The root goes last: a walk that fails is done again.
        _set_one(opened, ".", group)
    finally:
        os.close(opened)


def _set_one(parent: int, name: str, group: int) -> None:
    """Changes the entry that was opened, and never the target of a link."""
    opened = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        found = os.fstat(opened)
        if found.st_gid != group:
            os.chown(name, -1, group, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            os.chmod(f"/proc/self/fd/{opened}", stat.S_IMODE(found.st_mode) | _wanted(found.st_mode))
    finally:
        os.close(opened)


def _wanted(mode: int) -> int:
    return _DIRECTORY if stat.S_ISDIR(mode) else _FILE


def _has_group(path: Path, group: int) -> bool:
    found = path.stat()
    wanted = _wanted(found.st_mode)
    return found.st_gid == group and found.st_mode & wanted == wanted
