"""The kernel's control groups: made, set, read and removed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from node.kubelet.cgroups import groups
from node.kubelet.cgroups.groups import Groups, Hierarchy
from node.kubelet.cgroups.layout import GroupLimits

MIB = 1 << 20


def _memory(hierarchies: tuple[Hierarchy, ...]) -> tuple[Path, str]:
    """Where the group a/b counts its memory, and the file of its limit."""
    for each in hierarchies:
        for name in ("memory.limit_in_bytes", "memory.max"):
            if (each.path / "a/b" / name).exists():
                return each.path / "a/b", name
    raise AssertionError("nothing counts memory")


def test_a_group_has_its_limits_and_goes_with_all_below_it(hierarchies: tuple[Hierarchy, ...]) -> None:
    made = Groups(hierarchies)
    made.write("/a/b", GroupLimits(512, 50_000, 64 * MIB))
    told = made.limits("/a/b")
    assert told.get("memory.limit_in_bytes", told.get("memory.max")) == str(64 * MIB)
    assert told.get("cpu.cfs_quota_us") == "50000" or told["cpu.max"] == "50000 100000"
    made.write("/a/b", GroupLimits(2))
    assert "50000" not in made.limits("/a/b").values()
    (_memory(hierarchies)[0] / "below").mkdir()
    made.remove("/a")
    made.remove("/a")
    assert made.limits("/a/b") == {}
    assert made.memory_used("/a/b") == 0


def test_what_runs_in_a_group_is_bounded_together(hierarchies: tuple[Hierarchy, ...]) -> None:
    made = Groups(hierarchies)
    made.write("/a/b", GroupLimits(2, 0, 24 * MIB))
    directory, _ = _memory(hierarchies)
    (directory / "one").mkdir()
    join = f"echo $$ > {directory}/one/cgroup.procs"
    eat = "exec python3 -c 'b = bytearray(64 << 20)'"
    assert subprocess.run(["sh", "-c", f"{join}; {eat}"], check=False).returncode == -9


def test_what_runs_in_a_group_keeps_it_in_v1_and_goes_with_it_in_v2(hierarchies: tuple[Hierarchy, ...]) -> None:
    made = Groups(hierarchies)
    made.write("/a/b", GroupLimits(2, 0, 24 * MIB))
    directory, _ = _memory(hierarchies)
    (directory / "one").mkdir()
    join = f"echo $$ > {directory}/one/cgroup.procs"
    with subprocess.Popen(["sh", "-c", f"{join}; echo; exec sleep 60"], stdout=subprocess.PIPE) as sleeper:
        assert sleeper.stdout is not None
        sleeper.stdout.readline()
        assert made.memory_used("/a/b") > 0
        if hierarchies[0].unified:
            made.remove("/a")
        else:
            with pytest.raises(OSError, match="busy"):
                made.remove("/a")
            sleeper.kill()
        assert sleeper.wait() == -9


def test_controllers_of_the_unified_hierarchy_are_switched_on_from_the_top(tmp_path: Path) -> None:
    """As files: this machine's kernel may have its controllers in hierarchies of v1."""
    for directory in (tmp_path, tmp_path / "a", tmp_path / "a/b"):
        directory.mkdir(exist_ok=True)
        (directory / "cgroup.controllers").write_text("cpu memory misc\n")
        (directory / "cgroup.subtree_control").write_text("memory\n" if directory == tmp_path else "")
        for name in ("cpu.weight", "cpu.max", "memory.max"):
            (directory / name).write_text("")
    assert groups.mounted(tmp_path) == (Hierarchy(tmp_path, unified=True),)
    made = Groups(groups.mounted(tmp_path))
    made.write("/a/b", GroupLimits(1024, 50_000, MIB))
    assert made.limits("/a/b") == {"cpu.weight": "39", "cpu.max": "50000 100000", "memory.max": str(MIB)}
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"
    assert (tmp_path / "a/cgroup.subtree_control").read_text() == "+cpu +memory"


def test_each_hierarchy_of_the_first_version_is_found_once(tmp_path: Path) -> None:
    for name in ("cpu,cpuacct", "memory", "unified"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "unified/cgroup.controllers").touch()
    os.symlink("cpu,cpuacct", tmp_path / "cpu")
    assert [each.path.name for each in groups.mounted(tmp_path)] == ["cpu,cpuacct", "memory", "unified"]


def test_groups_of_the_runtime_go_with_the_pods_also_where_nothing_is_limited(tmp_path: Path) -> None:
    for name in ("memory", "unified"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "unified/cgroup.controllers").touch()
    made = Groups(groups.mounted(tmp_path))
    made.write("/a", GroupLimits(1024))
    assert not (tmp_path / "unified/a").exists()
    (tmp_path / "unified/a/container").mkdir(parents=True)  # as runc does
    made.remove("/a")
    assert not (tmp_path / "unified/a").exists()
