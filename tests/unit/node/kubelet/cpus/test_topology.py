from __future__ import annotations

from pathlib import Path

import pytest

from node.kubelet.cpus import topology
from node.kubelet.cpus.topology import Processor, take

# Two sockets of two cores of two threads each: 0 and 4 are one core, as are 1 and 5 ...
MACHINE = [Processor(cpu, core=cpu % 2, socket=cpu // 2 % 2) for cpu in range(8)]
EVERY = set(range(8))


@pytest.mark.parametrize(
    ("free", "count", "taken"),
    [
        (EVERY, 4, [0, 1, 4, 5]),
        (EVERY, 2, [0, 4]),
        (EVERY, 6, [0, 1, 4, 5, 2, 6]),
        (EVERY - {0}, 1, [4]),
        (EVERY - {0}, 3, [1, 5, 4]),
        ({3, 4}, 3, [3, 4]),
        (set(), 1, []),
    ],
)
def test_whole_sockets_go_first_then_whole_cores_then_what_others_have_begun(
    free: set[int], count: int, taken: list[int]
) -> None:
    assert take(MACHINE, free, count) == taken


def test_processors_are_read_from_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "online").write_text("0,2\n")
    for cpu in (0, 1, 2):
        place = tmp_path / f"cpu{cpu}" / "topology"
        place.mkdir(parents=True)
        (place / "core_id").write_text(f"{cpu}\n")
        (place / "physical_package_id").write_text("0\n")
    assert topology.read(tmp_path) == (Processor(0, 0, 0), Processor(2, 2, 0))


def test_cpusets_are_found_in_both_versions_of_cgroups(tmp_path: Path) -> None:
    assert not topology.has_cpusets(tmp_path)
    (tmp_path / "cpuset").mkdir()
    (tmp_path / "cpuset" / "cpuset.cpus").write_text("0\n")
    assert topology.has_cpusets(tmp_path)
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    assert not topology.has_cpusets(tmp_path)
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu memory\n")
    assert topology.has_cpusets(tmp_path)
