"""The group that a pod's volume is given to, so that containers of any user may write to it.

https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#configure-volume-permission-and-ownership-change-policy-for-pods
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

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
    # The root last: until it is done, the next try begins again.
    for path in chain(_below(root), (root,)):
        _give_one(path, group)


def _below(root: Path) -> Iterator[Path]:
    for directory, directories, files in os.walk(root, onerror=_raise):
        yield from (Path(directory) / name for name in (*directories, *files))


def _raise(error: OSError) -> None:
    raise error


def _give_one(path: Path, group: int) -> None:
    found = path.lstat()
    if found.st_gid != group:
        os.lchown(path, -1, group)
    if stat.S_ISLNK(found.st_mode):  # what it leads to may be outside
        return
    path.chmod(stat.S_IMODE(found.st_mode) | _wanted(found.st_mode))


def _wanted(mode: int) -> int:
    return _DIRECTORY if stat.S_ISDIR(mode) else _FILE


def _is_given(path: Path, group: int) -> bool:
    found = path.stat()
    wanted = _wanted(found.st_mode)
    return found.st_gid == group and found.st_mode & wanted == wanted
