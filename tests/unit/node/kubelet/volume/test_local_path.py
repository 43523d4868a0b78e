"""When a node may remove what it holds of a volume."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import storage

from node.kubelet.volume.local_path import is_to_remove
from podlab.api.pods.volumes import LOCAL_PATH, PROVISIONED_BY


def held(phase: str = "Released", *, policy: str = "Delete", node: str = "n1", maker: str = LOCAL_PATH) -> Any:
    """Released, and its deletion asked for."""
    here = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]
    made = storage.volume(
        phase=phase,
        annotations={PROVISIONED_BY: maker},
        local={"path": "/srv/disk"},
        nodeAffinity={"required": {"nodeSelectorTerms": here}},
        persistentVolumeReclaimPolicy=policy,
    )
    made.metadata.finalizers.append(LOCAL_PATH)
    made.metadata.deletionTimestamp.seconds = 1
    return made


def without(given: Any, field: str) -> Any:
    given.metadata.ClearField(field)
    return given


CASES = [
    ("its claim is gone", held(), True),
    ("a claim has it", held("Bound"), False),
    ("nobody asked for its deletion", without(held(), "deletionTimestamp"), False),
    ("the node holds nothing of it", without(held(), "finalizers"), False),
    ("its data is to stay", held(policy="Retain"), False),
    ("it is on another node", held(node="n2"), False),
    ("another has made it", held(maker="example.com/disk"), False),
]


@pytest.mark.parametrize(("volume", "expected"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_data_goes_only_when_all_says_so(volume: Any, expected: bool) -> None:
    assert is_to_remove(volume, "n1") is expected
