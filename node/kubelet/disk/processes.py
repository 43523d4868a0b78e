"""Which pod and container each process of the node is in, by the names of its control groups.

The names hold for cgroup v1 and v2, and however the groups are nested.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_POD = re.compile(r"pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})")
# What runs in a container may make groups of its own below it, as systemd does.
_CONTAINER = re.compile(r"(?:/|-|:)([0-9a-f]{64})(?:\.scope)?(?=/|$)", re.MULTILINE)
_BELOW_CONTAINER = re.compile(r"((?:/|-|:)[0-9a-f]{64}(?:\.scope)?)/.*$", re.MULTILINE)


@dataclass(frozen=True)
class PodProcess:
    """`groups` is the text of /proc/PID/cgroup, up to the container's group."""

    pid: int
    pod_uid: str
    container_id: str
    groups: str


def of_pods() -> Iterator[PodProcess]:
    """All processes that are in a pod's control group."""
    for directory in PROC.iterdir():
        if not directory.name.isdigit():
            continue
        try:
            groups = (directory / "cgroup").read_text()
        except OSError:  # it has ended
            continue
        if (found := parsed(int(directory.name), groups)) is not None:
            yield found


def parsed(pid: int, groups: str) -> PodProcess | None:
    """None when the groups are no pod's."""
    pod = _POD.search(groups)
    if pod is None:
        return None
    container = _CONTAINER.search(groups)
    whole = _BELOW_CONTAINER.sub(r"\1", groups)
    return PodProcess(pid, pod[1].replace("_", "-"), container[1] if container is not None else "", whole)


async def by_pod() -> Mapping[str, int]:
    """The number of processes of each pod, by its uid."""
    return await asyncio.to_thread(lambda: Counter(each.pod_uid for each in of_pods()))
