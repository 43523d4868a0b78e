"""Control groups as the kernel has them: made, set, read and removed in every hierarchy that is mounted.

Works with cgroup v1, where each controller has a hierarchy of its own, and with v2, where they share one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from node.kubelet.cgroups import layout, removal
from node.kubelet.cgroups.layout import GroupLimits

MOUNTS = Path("/sys/fs/cgroup")
# Those of v2 that pods' groups need, as in Kubernetes: a kernel may have others that cannot be switched on.
_NEEDED = frozenset({"cpu", "cpuset", "hugetlb", "memory", "pids"})
_CONTROLLERS, _ENABLED = "cgroup.controllers", "cgroup.subtree_control"
_USAGE = ("memory.usage_in_bytes", "memory.current")


@dataclass(frozen=True)
class Hierarchy:
    """One that is mounted. `unified`: that of cgroup v2."""

    path: Path
    unified: bool


def mounted(top: Path = MOUNTS) -> tuple[Hierarchy, ...]:
    """All of them: that of v2 alone, or those of v1, each of which the runtime puts containers into. Beside those of v1
    there may be one of v2 without controllers, which is as one of v1 that limits nothing."""
    if (top / _CONTROLLERS).exists():
        return (Hierarchy(top, unified=True),)
    found = {each.resolve() for each in top.iterdir() if (each / "cgroup.procs").exists()}
    return tuple(Hierarchy(each, unified=False) for each in sorted(found))


class Groups:
    """`hierarchies` are those that pods' groups are in. Every call raises OSError."""

    def __init__(self, hierarchies: Sequence[Hierarchy]) -> None:
        self._hierarchies = tuple(hierarchies)

    @property
    def unified(self) -> bool:
        """Whether they are of cgroup v2."""
        return any(each.unified for each in self._hierarchies)

    @property
    def limit_swap(self) -> bool:
        """Whether the kernel counts what groups have in swap, and can limit it; so far the root group does not say."""
        return any(each.unified and any(each.path.glob("*/memory.swap.max")) for each in self._hierarchies)

    def write(self, group: str, limits: GroupLimits) -> None:
        """Makes the group, with all above it, where a controller knows of such limits, and sets them. Groups that the
        runtime needs beyond these it makes itself."""
        for hierarchy in self._hierarchies:
            wanted = layout.settings(limits, unified=hierarchy.unified)
            if not hierarchy.unified and not any((hierarchy.path / name).exists() for name in wanted):
                continue
            directory = _made(hierarchy, group)
            for name, value in wanted.items():
                file = directory / name
                if file.exists() and file.read_text().strip() != value:
                    file.write_text(value)

    def remove(self, group: str) -> None:
        """With all below it. What the runtime left running in it is ended in v2, which may take `removal.WITHIN_S`; in
        v1 nothing may run in it any more. What is gone is gone."""
        for hierarchy in self._hierarchies:
            directory = _directory(hierarchy, group)
            if hierarchy.unified:
                removal.remove(directory)
                continue
            for each in removal.tree(directory):
                with contextlib.suppress(FileNotFoundError):  # the runtime removes containers' own
                    each.rmdir()

    def memory_used(self, group: str) -> int:
        """In bytes, as the kernel counts it against the group's limit; 0 where nothing counts it."""
        for hierarchy in self._hierarchies:
            for name in _USAGE:
                file = _directory(hierarchy, group) / name
                if file.exists():
                    return int(file.read_text())
        return 0

    def limits(self, group: str) -> Mapping[str, str]:
        """What the group's files hold of what `write` sets."""
        found = {}
        for hierarchy in self._hierarchies:
            for name in layout.settings(GroupLimits(layout.MIN_SHARES), unified=hierarchy.unified):
                file = _directory(hierarchy, group) / name
                if file.exists():
                    found[name] = file.read_text().strip()
        return found


def _directory(hierarchy: Hierarchy, group: str) -> Path:
    return hierarchy.path / group.lstrip("/")


def _made(hierarchy: Hierarchy, group: str) -> Path:
    """In v2, a group's files are there once the one above it has switched their controllers on for those below it."""
    directory = hierarchy.path
    for part in group.strip("/").split("/"):
        if hierarchy.unified:
            _enable(directory)
        directory /= part
        directory.mkdir(exist_ok=True)
    if hierarchy.unified:
        _enable(directory)
    return directory


def _enable(directory: Path) -> None:
    there = _NEEDED.intersection((directory / _CONTROLLERS).read_text().split())
    missing = there - set((directory / _ENABLED).read_text().split())
    if missing:
        (directory / _ENABLED).write_text(" ".join(f"+{each}" for each in sorted(missing)))
