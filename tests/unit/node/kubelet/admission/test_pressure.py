"""Which pods a node under pressure takes."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import MakePod, make_pod

from node.kubelet.admission import pressure

ASKING = [{"name": "web", "image": "i", "resources": {"requests": {"memory": "1Mi"}}}]
TOLERATING = [{"key": "node.kubernetes.io/memory-pressure", "operator": "Exists"}]


@pytest.mark.parametrize(
    ("spec", "conditions", "refused"),
    [
        ({}, (), ()),
        ({}, ("MemoryPressure",), ("MemoryPressure",)),
        ({"containers": ASKING}, ("MemoryPressure",), ()),
        ({"tolerations": TOLERATING}, ("MemoryPressure",), ()),
        ({"containers": ASKING}, ("MemoryPressure", "DiskPressure"), ("DiskPressure", "MemoryPressure")),
        ({"tolerations": TOLERATING}, ("PIDPressure",), ("PIDPressure",)),
        ({"priority": 2_000_000_000}, ("DiskPressure",), ()),
    ],
)
def test_short_of_memory_alone_a_node_takes_who_asked_for_some(
    spec: dict[str, object], conditions: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    make: MakePod = make_pod
    assert pressure.refusing(make(**spec), conditions) == refused


def test_the_words_are_kubernetes() -> None:
    assert pressure.message(("MemoryPressure", "DiskPressure")) == (
        "The node had condition: [DiskPressure MemoryPressure]. "
    )
