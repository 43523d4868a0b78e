"""A control group of its own for each host, in every hierarchy of this machine.

Where no systemd runs outside, all nspawn hosts otherwise land in one group and disturb each other.
Works on cgroup v1, on hybrid and on v2 machines.
"""

import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from podlab.lab.errors import LabError
from podlab.lab.host.process import Process

MOUNTS = Path("/proc/self/mounts")
DELEGATED = ("cpu", "cpuset", "io", "memory", "pids", "hugetlb")
EMPTY_WITHIN_S = 10.0
POLL_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Hierarchy:
    """One mounted cgroup hierarchy."""

    path: Path
    unified: bool


def hierarchies(mounts: str) -> tuple[Hierarchy, ...]:
    """The hierarchies in the text of /proc/self/mounts, each once."""
    found: dict[Path, Hierarchy] = {}
    for line in mounts.splitlines():
        _, target, kind, *_ = line.split()
        if kind in ("cgroup", "cgroup2"):
            found[Path(target)] = Hierarchy(path=Path(target), unified=kind == "cgroup2")
    return tuple(found.values())


def mounted() -> tuple[Hierarchy, ...]:
    found = hierarchies(MOUNTS.read_text())
    if not found:
        raise LabError("no cgroup hierarchy is mounted under /sys/fs/cgroup: lab hosts cannot run systemd")
    return found


def create(name: str, within: tuple[Hierarchy, ...]) -> tuple[Path, ...]:
    """Make the group in each hierarchy and return the groups' directories; existing ones are kept."""
    groups = []
    for hierarchy in within:
        if hierarchy.unified:
            _delegate(hierarchy.path)
        group = hierarchy.path / name
        group.mkdir(exist_ok=True)
        if not hierarchy.unified:
            _inherit_cpuset(group)
        groups.append(group)
    return tuple(groups)


def matching(pattern: re.Pattern[str], within: tuple[Hierarchy, ...]) -> set[str]:
    """Names of top-level groups that match, in any hierarchy: what crashed runs left included."""
    return {entry.name for hierarchy in within for entry in hierarchy.path.iterdir() if pattern.fullmatch(entry.name)}


def kill(name: str, within: tuple[Hierarchy, ...]) -> None:
    """End every process in the group, and wait until it is empty."""
    deadline = time.monotonic() + EMPTY_WITHIN_S
    while pids := _members(name, within):
        if time.monotonic() > deadline:
            raise LabError(f"processes {sorted(pids)} in cgroup {name} survive SIGKILL for {EMPTY_WITHIN_S:.0f} s")
        for pid in pids:
            if process := Process.of(pid):
                process.signal(signal.SIGKILL)
        time.sleep(POLL_S)


def remove(name: str, within: tuple[Hierarchy, ...]) -> None:
    """Remove the emptied group and all below it from each hierarchy."""
    for hierarchy in within:
        _remove_tree(hierarchy.path / name)


def _delegate(root: Path) -> None:
    """Let groups below the root have the controllers that containers need, as far as v2 has them here."""
    here = set((root / "cgroup.controllers").read_text().split())
    enabled = set((root / "cgroup.subtree_control").read_text().split())
    for controller in DELEGATED:
        if controller in here and controller not in enabled:
            (root / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(group: Path) -> None:
    """A v1 cpuset group accepts no process before its processors and memory nodes are named."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        setting = group / name
        if setting.exists() and not setting.read_text().strip():
            setting.write_text((group.parent / name).read_text())


def _members(name: str, within: tuple[Hierarchy, ...]) -> set[int]:
    pids: set[int] = set()
    for hierarchy in within:
        for directory, _, _ in os.walk(hierarchy.path / name):
            pids.update(_processes(Path(directory)))
    return pids


def _processes(group: Path) -> set[int]:
    try:
        return {pid for pid in map(int, (group / "cgroup.procs").read_text().split()) if pid}
    except OSError:
        return set()


def _remove_tree(group: Path) -> None:
    for directory, _, _ in os.walk(group, topdown=False):
        _remove_group(Path(directory))


def _remove_group(group: Path) -> None:
    """The kernel keeps a group busy for a moment after its last process died."""
    deadline = time.monotonic() + EMPTY_WITHIN_S
    while True:
        try:
            group.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise LabError(f"cgroup {group} cannot be removed: {error}") from error
            time.sleep(POLL_S)
