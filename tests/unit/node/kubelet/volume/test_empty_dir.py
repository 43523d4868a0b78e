from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from podlab_testing.kubelet_pods import MakePod

from node.kubelet.containerconfig.environment import ConfigError
from node.kubelet.volume import empty_dir, mounter
from podlab.core.v1 import pod_pb2


def _asking(pod: MakePod, *names: str, **spec: Any) -> pod_pb2.Pod:
    limits = {"cpu": "1", **dict.fromkeys(names, "1Gi")}
    return pod(containers=[{"name": "web", "image": "i", "resources": {"limits": limits}}], **spec)


@pytest.mark.parametrize(
    ("asked", "medium", "size"),
    [
        (["hugepages-2Mi"], "HugePages", 2 << 20),
        (["hugepages-2Mi"], "HugePages-2Mi", 2 << 20),
        (["hugepages-2Mi", "hugepages-1Gi"], "HugePages-1Gi", 1 << 30),
    ],
)
def test_pages_are_of_the_size_that_is_asked_for(pod: MakePod, asked: list[str], medium: str, size: int) -> None:
    assert empty_dir.page_size(medium, _asking(pod, *asked)) == size


def test_a_pod_asks_as_a_whole_too(pod: MakePod) -> None:
    made = _asking(pod, resources={"limits": {"cpu": "1", "hugepages-2Mi": "4Mi"}})
    assert empty_dir.page_size("HugePages", made) == 2 << 20


@pytest.mark.parametrize(
    ("asked", "medium", "why"),
    [
        ([], "HugePages", "medium HugePages: hugePages storage requested, but there is no resource request for huge"),
        (["hugepages-1Gi"], "HugePages-2Mi", "medium HugePages-2Mi: hugePages storage requested, but there is no res"),
        (
            ["hugepages-2Mi", "hugepages-1Gi"],
            "HugePages",
            "medium: HugePages can't be used if container requests multiple huge page sizes",
        ),
        (["hugepages-2Mi"], "HugePages-two", '"HugePages-two" names no size of huge pages: '),
        ([], "Disk", 'unknown storage medium "Disk"'),
    ],
)
def test_a_medium_that_a_pod_cannot_have_is_refused_by_name(
    pod: MakePod, tmp_path: Path, asked: list[str], medium: str, why: str
) -> None:
    with pytest.raises(ConfigError, match="^" + why):
        empty_dir.set_up(tmp_path / "v", _asking(pod, *asked), pod_pb2.EmptyDirVolumeSource(medium=medium), None)
    assert not (tmp_path / "v").exists()


def test_huge_pages_are_mounted_once_and_are_everybodys(pod: MakePod, tmp_path: Path) -> None:
    made, source = _asking(pod, "hugepages-2Mi"), pod_pb2.EmptyDirVolumeSource(medium="HugePages-2Mi")
    path = tmp_path / "v"
    try:
        for _ in range(2):
            empty_dir.set_up(path, made, source, 1234)
        assert mounter.mounted_below(path) == [path]
        (line,) = (each.split() for each in Path("/proc/mounts").read_text().splitlines() if f" {path} " in each)
        assert line[2] == "hugetlbfs"
        assert "pagesize=2M" in line[3].split(",")
        found = path.stat()
        assert (found.st_mode & 0o7777, found.st_gid) == (0o2777, 1234)
    finally:
        mounter.unmount_below(path)
