"""Which processors the machine has, which share a core or a socket, and which of them are given away first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from node.kubelet.cpus import cpuset

SYSTEM = Path("/sys/devices/system/cpu")
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, order=True)
class Processor:
    """`core` is one of its socket's."""

    cpu: int
    core: int
    socket: int


def read(system: Path = SYSTEM) -> tuple[Processor, ...]:
    """Those that are switched on. Raises OSError, ValueError."""
    return tuple(_processor(system, cpu) for cpu in sorted(cpuset.parse((system / "online").read_text())))


def has_cpusets(cgroups: Path = CGROUPS) -> bool:
    """Whether the kernel can keep a container on some processors, by cgroups of either version."""
    controllers = cgroups / "cgroup.controllers"
    if controllers.exists():
        return "cpuset" in controllers.read_text().split()
    return (cgroups / "cpuset" / "cpuset.cpus").exists()


def take(processors: Iterable[Processor], free: Collection[int], count: int) -> list[int]:
    """So many of the free ones: whole sockets, then whole cores, then those that fill up what others have begun. Fewer
    when there are too few. Pure."""
    every = [each for each in processors if each.cpu in free]
    taken: list[int] = []
    for place in (_socket, _core):
        for group in _groups(processors, place):
            is_free = all(cpu in free and cpu not in taken for cpu in group)
            if is_free and len(group) <= count - len(taken):
                taken += group
    left = [each for each in every if each.cpu not in taken]
    cores, sockets = Counter(map(_core, left)), Counter(map(_socket, left))
    left.sort(key=lambda each: (sockets[_socket(each)], cores[_core(each)], each.cpu))
    return taken + [each.cpu for each in left[: count - len(taken)]]


def _groups(processors: Iterable[Processor], place: Callable[[Processor], tuple[int, ...]]) -> list[list[int]]:
    found: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for each in sorted(processors):
        found[place(each)].append(each.cpu)
    return [found[at] for at in sorted(found)]


def _socket(processor: Processor) -> tuple[int, ...]:
    return (processor.socket,)


def _core(processor: Processor) -> tuple[int, ...]:
    return processor.socket, processor.core


def _processor(system: Path, cpu: int) -> Processor:
    place = system / f"cpu{cpu}" / "topology"
    return Processor(cpu, int((place / "core_id").read_text()), int((place / "physical_package_id").read_text()))
