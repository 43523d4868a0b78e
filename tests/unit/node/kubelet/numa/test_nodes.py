"""The NUMA nodes of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.kubelet.numa.nodes import NumaNode, aligning, read
from node.kubelet.settings import TopologyManagerSettings
from podlab.settings import SettingsError


def _system(directory: Path, **memory: str) -> Path:
    (directory / "has_memory").write_text("0-1\n")
    for number, cpus in enumerate(("0-1", "2,3")):
        node = directory / f"node{number}"
        node.mkdir()
        (node / "cpulist").write_text(f"{cpus}\n")
        (node / "meminfo").write_text(memory.get(f"node{number}", f"Node {number} MemTotal:   {1024 + number} kB\n"))
    return directory


def test_each_has_its_processors_and_its_memory(tmp_path: Path) -> None:
    assert read(_system(tmp_path)) == (
        NumaNode(0, frozenset({0, 1}), 1024 << 10), NumaNode(1, frozenset({2, 3}), 1025 << 10),
    )  # fmt: skip


def test_a_kernel_that_does_not_tell_of_memory_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="node1/meminfo: expected a line with MemTotal"):
        read(_system(tmp_path, node1="Node 1 MemFree: 1 kB\n"))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            ("always",),
            "topology_manager.policy: expected one of none, best-effort, restricted, single-numa-node, ",
        ),
        (("restricted", "node"), "topology_manager.scope: expected one of container, pod, found 'node'"),
        (("restricted",), "topology_manager: which NUMA nodes there are cannot be read: "),
    ],
)
def test_settings_that_cannot_be_kept_are_refused(tmp_path: Path, settings: tuple[str, ...], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        aligning(TopologyManagerSettings(*settings), tmp_path)


def test_without_a_policy_no_nodes_are_looked_for(tmp_path: Path) -> None:
    assert aligning(TopologyManagerSettings(), tmp_path) == ()
    assert len(aligning(TopologyManagerSettings("restricted"), _system(tmp_path))) == 2


def test_a_machine_of_too_many_nodes_is_told_of(tmp_path: Path) -> None:
    for number in range(9):
        node = tmp_path / f"node{number}"
        node.mkdir()
        (node / "cpulist").write_text(f"{number}\n")
        (node / "meminfo").write_text(f"Node {number} MemTotal: 1 kB\n")
    (tmp_path / "has_memory").write_text("0-8\n")
    with pytest.raises(SettingsError, match="at most 8 NUMA nodes, and this one has 9: set it to none"):
        aligning(TopologyManagerSettings("best-effort"), tmp_path)
