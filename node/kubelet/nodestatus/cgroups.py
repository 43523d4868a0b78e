"""What a control group has used, by the kernel's own count, of cgroup v1 and v2; and how long it had to wait for it.

https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/accounting/psi.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NODE_STALLS = Path("/proc/pressure")
RESOURCES = ("cpu", "memory", "io")


@dataclass(frozen=True)
class Stall:
    """For how much of the time tasks waited: percentages of the last 10, 60 and 300 s, and microseconds in all."""

    avg10: float
    avg60: float
    avg300: float
    total_us: int


Stalls = Mapping[str, Mapping[str, Stall]]
"""By resource, of `some` tasks and of all of them (`full`)."""


@dataclass(frozen=True)
class GroupUse:
    """Bytes, nanoseconds and numbers, from when the group was made."""

    cpu_ns: int = 0
    throttled_ns: int = 0
    periods: int = 0
    throttled_periods: int = 0
    memory_bytes: int = 0
    working_set_bytes: int = 0
    rss_bytes: int = 0
    cache_bytes: int = 0
    page_faults: int = 0
    major_page_faults: int = 0
    failures: int = 0
    """How often it asked for more memory than it may have."""
    oom_kills: int = 0
    """How often something of it was ended for want of memory."""
    stalls: Stalls = field(default_factory=dict)


def read(groups: str, root: Path = ROOT) -> GroupUse:
    """Of the text of /proc/PID/cgroup. What cannot be read, as of a group that is gone, is 0."""
    paths = _paths(groups)
    if "memory" in paths and (root / "memory").is_dir():
        return _read_v1(paths, root)
    return _read_v2(root / paths.get("", "/").lstrip("/"))


def stalls(directory: Path, suffix: str = "") -> Stalls:
    """Of the files of a group, or of /proc/pressure; none where the kernel does not count them."""
    found = {}
    for resource in RESOURCES:
        if text := _text(directory / f"{resource}{suffix}"):
            found[resource] = {line.split()[0]: _stall(line) for line in text.splitlines()}
    return found


def _read_v1(paths: Mapping[str, str], root: Path) -> GroupUse:
    memory = root / "memory" / paths["memory"].lstrip("/")
    stat, used = _stat(memory / "memory.stat"), _number(memory / "memory.usage_in_bytes")
    throttling = _stat(root / "cpu" / paths.get("cpu", "/").lstrip("/") / "cpu.stat")
    return GroupUse(
        cpu_ns=_number(root / "cpuacct" / paths.get("cpuacct", "/").lstrip("/") / "cpuacct.usage"),
        throttled_ns=throttling.get("throttled_time", 0),
        periods=throttling.get("nr_periods", 0),
        throttled_periods=throttling.get("nr_throttled", 0),
        memory_bytes=used,
        working_set_bytes=max(0, used - stat.get("total_inactive_file", 0)),
        rss_bytes=stat.get("total_rss", 0),
        cache_bytes=stat.get("total_cache", 0),
        page_faults=stat.get("total_pgfault", 0),
        major_page_faults=stat.get("total_pgmajfault", 0),
        failures=_number(memory / "memory.failcnt"),
        oom_kills=_stat(memory / "memory.oom_control").get("oom_kill", 0),
    )


def _read_v2(group: Path) -> GroupUse:
    cpu, stat, used = _stat(group / "cpu.stat"), _stat(group / "memory.stat"), _number(group / "memory.current")
    events = _stat(group / "memory.events")
    return GroupUse(
        cpu_ns=cpu.get("usage_usec", 0) * 1000,
        throttled_ns=cpu.get("throttled_usec", 0) * 1000,
        periods=cpu.get("nr_periods", 0),
        throttled_periods=cpu.get("nr_throttled", 0),
        memory_bytes=used,
        working_set_bytes=max(0, used - stat.get("inactive_file", 0)),
        rss_bytes=stat.get("anon", 0),
        cache_bytes=stat.get("file", 0),
        page_faults=stat.get("pgfault", 0),
        major_page_faults=stat.get("pgmajfault", 0),
        failures=events.get("max", 0),
        # A group that ends as a whole counts each of its processes as ended, and itself once.
        oom_kills=events.get("oom_group_kill", 0) or events.get("oom_kill", 0),
        stalls=stalls(group, ".pressure"),
    )


def _paths(groups: str) -> dict[str, str]:
    """The path in each hierarchy by controller; that of v2 has no name."""
    found = {}
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), path))
    return found


def _stall(line: str) -> Stall:
    values = dict(word.split("=") for word in line.split()[1:])
    return Stall(float(values["avg10"]), float(values["avg60"]), float(values["avg300"]), int(values["total"]))


def _stat(path: Path) -> dict[str, int]:
    words = (line.split() for line in _text(path).splitlines())
    return {each[0]: int(each[1]) for each in words if len(each) == 2 and each[1].isdigit()}


def _number(path: Path) -> int:
    text = _text(path).strip()
    return int(text) if text.isdigit() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the group, or that file of it, is not there
        return ""
