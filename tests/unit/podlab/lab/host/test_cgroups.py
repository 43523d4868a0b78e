from pathlib import Path

import pytest

from podlab.lab.host import cgroups
from podlab.lab.host.cgroups import Hierarchy
from podlab.lab.spec import machine_pattern

HYBRID = """\
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
"""


@pytest.fixture
def v1(tmp_path: Path) -> Hierarchy:
    (tmp_path / "cpuset").mkdir()
    return Hierarchy(path=tmp_path / "cpuset", unified=False)


@pytest.fixture
def v2(tmp_path: Path) -> Hierarchy:
    root = tmp_path / "unified"
    root.mkdir()
    (root / "cgroup.controllers").write_text("cpu memory rdma\n")
    (root / "cgroup.subtree_control").write_text("memory\n")
    return Hierarchy(path=root, unified=True)


def test_every_mounted_hierarchy_is_found_with_its_version() -> None:
    found = cgroups.hierarchies(HYBRID)
    assert [(str(hierarchy.path), hierarchy.unified) for hierarchy in found] == [
        ("/sys/fs/cgroup/cpu,cpuacct", False),
        ("/sys/fs/cgroup/systemd", False),
        ("/sys/fs/cgroup/unified", True),
    ]
    assert cgroups.hierarchies("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n")[0].unified


def test_a_group_is_made_in_each_hierarchy_and_again_is_no_error(v1: Hierarchy, v2: Hierarchy) -> None:
    for _ in range(2):
        assert cgroups.create("podlab.lab.n1", (v1, v2)) == (v1.path / "podlab.lab.n1", v2.path / "podlab.lab.n1")


def test_a_v1_cpuset_group_gets_its_parents_processors(v1: Hierarchy) -> None:
    group = v1.path / "podlab.lab.n1"
    group.mkdir()
    for name, value in (("cpuset.cpus", "0-1\n"), ("cpuset.mems", "0\n")):
        (v1.path / name).write_text(value)
        (group / name).write_text("\n")
    cgroups.create("podlab.lab.n1", (v1,))
    assert (group / "cpuset.cpus").read_text() == "0-1\n"


def test_on_v2_the_missing_controllers_that_exist_are_delegated(v2: Hierarchy) -> None:
    cgroups.create("podlab.lab.n1", (v2,))
    assert (v2.path / "cgroup.subtree_control").read_text() == "+cpu"


def test_only_a_labs_own_groups_are_found_and_removed_with_all_below(v1: Hierarchy, v2: Hierarchy) -> None:
    (v1.path / "podlab.ci.n1/payload/deep").mkdir(parents=True)
    (v2.path / "podlab.ci.n2").mkdir()
    (v1.path / "podlab.ci-2.n1").mkdir()
    (v1.path / "system.slice").mkdir()
    assert cgroups.matching(machine_pattern("ci"), (v1, v2)) == {"podlab.ci.n1", "podlab.ci.n2"}
    cgroups.remove("podlab.ci.n1", (v1, v2))
    assert sorted(entry.name for entry in v1.path.iterdir()) == ["podlab.ci-2.n1", "system.slice"]


def test_removing_a_group_that_is_gone_is_success(v1: Hierarchy) -> None:
    cgroups.kill("podlab.lab.n1", (v1,))
    cgroups.remove("podlab.lab.n1", (v1,))
