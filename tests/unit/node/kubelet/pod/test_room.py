"""How much of a resource a pod has at one time."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import Json, make_pod

from node.kubelet.pod.room import at_once


def _box(name: str, **more: object) -> Json:
    return {"name": name, "image": "i", **more}


@pytest.mark.parametrize(
    ("init", "most"),
    [
        ([], 3),
        ([_box("small2")], 3),
        ([_box("large9")], 9),
        ([_box("side4", restartPolicy="Always"), _box("small2")], 7),
        ([_box("side4", restartPolicy="Always"), _box("large9")], 13),
    ],
)
def test_init_containers_run_one_after_another_and_beside_sidecars(init: list[Json], most: int) -> None:
    pod = make_pod(initContainers=init, containers=[_box("a1"), _box("b2")])
    assert at_once(pod, lambda container: int(container.name[-1])) == most
