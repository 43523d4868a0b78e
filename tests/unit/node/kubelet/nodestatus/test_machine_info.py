"""What the machine has."""

from __future__ import annotations

from pathlib import Path

from node.kubelet.nodestatus import machine_info


def test_huge_pages_are_told_by_size_where_some_are_set_aside(tmp_path: Path) -> None:
    for name, pages in (("hugepages-2048kB", 3), ("hugepages-1048576kB", 1), ("hugepages-64kB", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "nr_hugepages").write_text(f"{pages}\n")
    assert machine_info.huge_pages(tmp_path) == {"hugepages-2Mi": 6 << 20, "hugepages-1Gi": 1 << 30}
    assert machine_info.huge_pages(tmp_path / "none") == {}
