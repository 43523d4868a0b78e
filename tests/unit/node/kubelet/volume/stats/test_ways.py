from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import storage
from podlab_testing.kubelet_pods import MakePod

from node.kubelet.volume.stats import ways
from node.kubelet.volume.stats.ways import Way


@pytest.mark.parametrize(
    ("source", "way", "ephemeral"),
    [
        ({"emptyDir": {}}, Way.TREE, True),
        ({"emptyDir": {"medium": "Memory"}}, Way.TREE, False),
        ({"configMap": {"name": "c"}}, Way.TREE, True),
        ({"secret": {"secretName": "s"}}, Way.TREE, False),
        ({"projected": {"sources": []}}, Way.TREE, False),
        ({"csi": {"driver": "d"}}, Way.DRIVER, False),
        ({"hostPath": {"path": "/srv"}}, None, False),
        ({"image": {"reference": "i:1"}}, None, False),
    ],
)
def test_a_volume_of_a_pod_s_own(pod: MakePod, source: dict[str, Any], way: Way | None, ephemeral: bool) -> None:
    (volume,) = pod(volumes=[{"name": "v", **source}]).spec.volumes
    assert ways.of_own(volume) == way
    assert ways.is_ephemeral(volume) == ephemeral


@pytest.mark.parametrize(
    ("spec", "way"),
    [
        ({}, None),
        ({"local": {"path": "/srv"}}, Way.FILESYSTEM),
        ({"local": {"path": "/dev/x"}, "volumeMode": "Block"}, None),
        ({"nfs": {"server": "s", "path": "/"}}, Way.FILESYSTEM),
        ({"csi": {"driver": "d", "volumeHandle": "h"}}, Way.DRIVER),
    ],
)
def test_a_volume_of_a_claim(spec: dict[str, Any], way: Way | None) -> None:
    assert ways.of_claim(storage.volume(**spec)) == way
