from __future__ import annotations

import pytest

from node.kubelet.volume.csi.expansion import grown, missing_bytes
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim


def volume(size: str) -> PersistentVolume:
    made = PersistentVolume()
    made.spec.capacity["storage"].string = size
    return made


def claim(size: str) -> PersistentVolumeClaim:
    made = PersistentVolumeClaim()
    if size:
        made.status.capacity["storage"].string = size
    return made


@pytest.mark.parametrize(
    ("told", "size", "missing"),
    [("1Gi", "1Gi", 0), ("1Gi", "2Gi", 2 << 30), ("2Gi", "1Gi", 0), ("1Gi", "1024Mi", 0), ("", "1Gi", 1 << 30)],
)
def test_a_volume_is_to_grow_when_it_is_larger_than_its_claim_says(told: str, size: str, missing: int) -> None:
    assert missing_bytes(claim(told), volume(size)) == missing


def test_a_claim_of_a_grown_volume_says_its_size_and_no_more_that_it_is_being_resized() -> None:
    before = claim("1Gi")
    for kind in ("FileSystemResizePending", "ModifyingVolume", "Resizing"):
        before.status.conditions.add(type=kind, status="True")
    before.status.allocatedResources["storage"].string = "2Gi"
    before.status.allocatedResourceStatuses["storage"] = "NodeResizePending"
    after = grown(before, volume("2Gi"))
    assert after.status.capacity["storage"].string == "2Gi"
    assert [condition.type for condition in after.status.conditions] == ["ModifyingVolume"]
    assert after.status.allocatedResources["storage"].string == "2Gi"
    assert not after.status.allocatedResourceStatuses
    assert before.status.capacity["storage"].string == "1Gi"
