from __future__ import annotations

from pathlib import Path

from node.kubelet.volume.stats import use
from podlab.foreign.csi.v1 import csi_pb2


def test_a_tree_is_measured_within_its_filesystem(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below/file").write_bytes(b"x" * 50_000)
    found, whole = use.of_tree(tmp_path), use.of_filesystem(tmp_path)
    assert 50_000 <= found.used < 80_000
    assert found.inodes_used == 3
    assert (found.capacity, found.inodes) == (whole.capacity, whole.inodes)
    assert whole.used > found.used
    assert whole.capacity >= whole.used + whole.available
    assert found.abnormal is None


def test_a_driver_tells_bytes_and_inodes_or_one_of_them() -> None:
    told = csi_pb2.NodeGetVolumeStatsResponse()
    assert use.of_driver(told) is None
    told.usage.add(unit=csi_pb2.VolumeUsage.BYTES, total=10, used=3, available=7)
    found = use.of_driver(told)
    assert found is not None
    assert (found.capacity, found.used, found.available, found.inodes) == (10, 3, 7, 0)
    assert found.abnormal is None
    told.usage.add(unit=csi_pb2.VolumeUsage.INODES, total=5, used=1, available=4)
    told.volume_condition.message = "fine"
    found = use.of_driver(told)
    assert found is not None
    assert (found.inodes, found.inodes_used, found.inodes_free) == (5, 1, 4)
    assert found.abnormal is False
