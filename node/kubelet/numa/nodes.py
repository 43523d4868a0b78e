"""The NUMA nodes of the machine: which processors are near to which memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from node.kubelet.cpus import cpuset
from node.kubelet.numa.hints import BEST_EFFORT, RESTRICTED, SINGLE_NODE
from node.kubelet.settings import CONTAINER, NONE, POD, TopologyManagerSettings
from podlab.settings import SettingsError

SYSTEM = Path("/sys/devices/system/node")
MOST = 8
"""As Kubernetes has it: what is looked at doubles with each node."""
POLICIES = (NONE, BEST_EFFORT, RESTRICTED, SINGLE_NODE)


@dataclass(frozen=True)
class NumaNode:
    """`memory_bytes` is all that it has."""

    number: int
    cpus: frozenset[int]
    memory_bytes: int


def read(system: Path = SYSTEM) -> tuple[NumaNode, ...]:
    """Those that have memory. Raises OSError, ValueError."""
    numbers = cpuset.parse((system / "has_memory").read_text())
    return tuple(_node(system / f"node{number}", number) for number in sorted(numbers))


def aligning(settings: TopologyManagerSettings, system: Path = SYSTEM) -> tuple[NumaNode, ...]:
    """Those that containers are to be near to; none for the policy `none`. Raises SettingsError where the machine
    cannot do what is asked for."""
    for name, choices in (("policy", POLICIES), ("scope", (CONTAINER, POD))):
        if getattr(settings, name) not in choices:
            found = getattr(settings, name)
            raise SettingsError(f"topology_manager.{name}: expected one of {', '.join(choices)}, found {found!r}")
    if settings.policy == NONE:
        return ()
    try:
        nodes = read(system)
    except (OSError, ValueError) as error:
        raise SettingsError(f"topology_manager: which NUMA nodes there are cannot be read: {error}") from error
    if len(nodes) > MOST:
        raise SettingsError(
            f"topology_manager.policy: {settings.policy} is for machines of at most {MOST} NUMA nodes, and this one has"
            f" {len(nodes)}: set it to none"
        )
    return nodes


def _node(directory: Path, number: int) -> NumaNode:
    return NumaNode(number, cpuset.parse((directory / "cpulist").read_text()), _memory_bytes(directory / "meminfo"))


def _memory_bytes(file: Path) -> int:
    """Its lines are as `Node 0 MemTotal: 24615784 kB`."""
    for line in file.read_text().splitlines():
        words = line.split()
        if "MemTotal:" in words:
            return int(words[words.index("MemTotal:") + 1]) * 1024
    raise ValueError(f"{file}: expected a line with MemTotal, found none")
