"""How much of the node's swap containers may use."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import Json, make_pod

from node.kubelet.containerconfig.linux_resources import NodeMemory, linux_resources
from node.kubelet.containerconfig.swap import NO_SWAP_KNOWN, NodeSwap, limit
from podlab.core.v1 import pod_pb2

GIB = 1 << 30
LIMITED = NodeSwap("LimitedSwap", 8 * GIB, limitable=True)


def _pod(resources: Json, **spec: object) -> pod_pb2.Pod:
    return make_pod(containers=[{"name": "web", "image": "i", "resources": resources}], **spec)


@pytest.mark.parametrize(
    ("resources", "spec", "most"),
    [
        ({"requests": {"memory": "1Gi"}}, {}, 2 * GIB),  # a quarter of the memory, so a quarter of the swap
        ({"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}}, {}, 2 * GIB),
        ({"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}}, {}, 0),
        ({"requests": {"cpu": "1"}}, {}, 0),
        ({"limits": {"memory": "1Gi", "cpu": "1"}}, {}, 0),
        ({}, {}, 0),
        ({"requests": {"memory": "1Gi"}}, {"priority": 2_000_000_000}, 0),
    ],
)
def test_containers_of_burstable_pods_have_as_large_a_part_of_the_swap_as_of_the_memory(
    resources: Json, spec: Json, most: int
) -> None:
    pod = _pod(resources, **spec)
    assert limit(pod, pod.spec.containers[0], LIMITED, 4 * GIB) == most


def test_without_the_behaviour_nobody_has_any_where_the_kernel_can_see_to_it() -> None:
    pod = _pod({"requests": {"memory": "1Gi"}})
    assert limit(pod, pod.spec.containers[0], NodeSwap(bytes=GIB, limitable=True), 4 * GIB) == 0
    assert limit(pod, pod.spec.containers[0], NO_SWAP_KNOWN, 4 * GIB) is None


@pytest.mark.parametrize(("swap", "told"), [(LIMITED, {"memory.swap.max": str(2 * GIB)}), (NO_SWAP_KNOWN, {})])
def test_the_runtime_is_told_the_limit(swap: NodeSwap, told: dict[str, str]) -> None:
    pod = _pod({"requests": {"memory": "1Gi"}})
    assert linux_resources(pod, pod.spec.containers[0], NodeMemory(4 * GIB, swap=swap)).unified == told
