"""The group that a pod's volume is given to, so that containers of any user may write to it.

https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from node.kubelet.disk import file_tree
from node.kubelet.disk.file_tree import Faults
from podlab.core.v1 import pod_pb2

_FILE = 0o660
_DIRECTORY = _FILE | stat.S_ISGID | 0o110  # what is made in it is the group's too


def group_of(pod: pod_pb2.Pod) -> int | None:
    """The group that the pod's volumes are given to, if any."""
    context = pod.spec.securityContext
    return context.fsGroup if context.HasField("fsGroup") else None


def give(root: Path, group: int, *, only_if_root_differs: bool) -> None:
    """Makes all below the root the group's, to read and write. Owners stay. Raises OSError.

    A root that is the group's already may stand for all that is below it, which can be much.
    """
    if only_if_root_differs and _is_given(root, group):
        return
    opened, faults = os.open(root, file_tree.DIRECTORY), Faults()
    try:
        for entry in file_tree.entries(opened, faults):
            try:
                _give_one(entry.parent, entry.name, group)
            except FileNotFoundError:
                continue
            except OSError as error:
                faults.add(error)
        faults.check()
        # The root last: until it is done, the next try begins again.
        _give_one(opened, ".", group)
    finally:
        os.close(opened)


def _give_one(parent: int, name: str, group: int) -> None:
    """What stands there when it is opened is what is changed, and nothing that a link leads to."""
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


def _is_given(path: Path, group: int) -> bool:
    found = path.stat()
    wanted = _wanted(found.st_mode)
    return found.st_gid == group and found.st_mode & wanted == wanted
