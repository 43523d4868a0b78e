"""What several modules ask about a pod's spec."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import MakePod

from node.kubelet.pod import podspec
from podlab.core.v1 import pod_pb2


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("web", "spec.containers{web}"),
        ("first", "spec.initContainers{first}"),
        ("joined", "spec.ephemeralContainers{joined}"),
    ],
)
def test_an_event_says_where_its_container_stands_in_the_pod(pod: MakePod, name: str, path: str) -> None:
    made = pod(initContainers=[{"name": "first", "image": "i"}], ephemeralContainers=[{"name": "joined", "image": "i"}])
    assert podspec.field_path(made, name) == path


def test_a_pod_is_called_by_name_namespace_and_uid(pod: MakePod) -> None:
    assert podspec.full_name(pod()) == "a_default(u1)"


def test_init_containers_leave_what_they_have_to_the_next_and_sidecars_keep_theirs() -> None:
    pod = pod_pb2.Pod()
    pod.spec.initContainers.add(name="init")
    pod.spec.initContainers.add(name="side", restartPolicy="Always")
    for name in ("main", "other"):
        pod.spec.containers.add(name=name)
    given = {"init": ("a", "b"), "side": ("a",), "main": ("b",)}
    assert podspec.left_by_init(pod, "init", {}) == set()
    assert podspec.left_by_init(pod, "side", {"init": ("a", "b")}) == {"a", "b"}
    assert podspec.left_by_init(pod, "main", {"init": ("a", "b"), "side": ("a",)}) == {"b"}
    assert podspec.left_by_init(pod, "other", given) == set()
