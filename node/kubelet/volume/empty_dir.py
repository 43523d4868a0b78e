"""Directories that are empty when a pod starts: on the disk, in memory, or in huge pages.

https://kubernetes.io/docs/concepts/storage/volumes/#emptydir
"""

from __future__ import annotations

import os
from pathlib import Path

from node.kubelet.containerconfig.environment import ConfigError
from node.kubelet.pod import podspec
from node.kubelet.volume import mounter
from podlab.api.pods import podresources
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2
from podlab.meta.v1.meta_pb2 import Quantity

MEMORY = "Memory"
HUGE_PAGES = "HugePages"
_OF_ONE_SIZE = f"{HUGE_PAGES}-"


def set_up(path: Path, pod: pod_pb2.Pod, source: pod_pb2.EmptyDirVolumeSource, group: int | None) -> None:
    """Makes it, unless it is there. Raises ConfigError for a medium that the pod cannot have, MountError, OSError."""
    is_new = not path.exists()
    if source.medium == MEMORY:
        size = quantity.value(source.sizeLimit) if source.sizeLimit.string else None
        is_new = mounter.tmpfs(path, size, 0o777)
    elif source.medium == HUGE_PAGES or source.medium.startswith(_OF_ONE_SIZE):
        is_new = mounter.hugetlbfs(path, page_size(source.medium, pod), 0o777)
    elif source.medium:
        raise ConfigError(f'unknown storage medium "{source.medium}"')
    else:
        path.mkdir(parents=True, exist_ok=True)
    if is_new:
        path.chmod(0o777)
        if group is not None:
            os.chown(path, -1, group)
            path.chmod(0o2777)


def page_size(medium: str, pod: pod_pb2.Pod) -> int:
    """How many bytes a page of the medium has, by what the pod asks for. Raises ConfigError.

    https://kubernetes.io/docs/tasks/manage-hugepages/scheduling-hugepages/
    """
    asked = _page_sizes(pod)
    if medium != HUGE_PAGES:
        wanted = _size(medium.removeprefix(_OF_ONE_SIZE), medium)
        asked &= {wanted}
    if not asked:
        raise ConfigError(
            f"medium {medium}: hugePages storage requested, but there is no resource request for huge pages"
        )
    if len(asked) > 1:
        raise ConfigError(f"medium: {medium} can't be used if container requests multiple huge page sizes")
    return asked.pop()


def _page_sizes(pod: pod_pb2.Pod) -> set[int]:
    """Of the huge pages that the pod, or a container of it, asks for."""
    resources = [pod.spec.resources, *(each.resources for each in podspec.all_containers(pod))]
    names = {name for each in resources for name in (*each.requests, *each.limits)}
    prefix = podresources.HUGE_PAGES
    return {_size(name.removeprefix(prefix), name) for name in names if name.startswith(prefix)}


def _size(text: str, told: str) -> int:
    try:
        return quantity.value(Quantity(string=text))
    except ValueError as error:
        raise ConfigError(f'"{told}" names no size of huge pages: {error}') from error
