"""How long pods may stay."""

from __future__ import annotations

from typing import Any

import pytest

from master.controllers.nodes.tainteviction.decide import AT_ONCE, bound_at, evicting, leave_at
from podlab.core.v1 import node_pb2, pod_pb2

SINCE = 1000.0
GPU = {"key": "gpu", "value": "yes", "effect": "NoExecute"}
DOWN = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}


def toleration(**fields: Any) -> pod_pb2.Toleration:
    return pod_pb2.Toleration(**fields)


@pytest.mark.parametrize(
    ("tolerations", "taints", "expected"),
    [
        pytest.param([], [], None, id="nothing to do"),
        pytest.param([], [GPU], AT_ONCE, id="a taint that is not tolerated"),
        pytest.param([toleration(operator="Exists")], [GPU, DOWN], None, id="everything is tolerated for good"),
        pytest.param([toleration(key="gpu", value="yes")], [GPU, DOWN], AT_ONCE, id="one of two is tolerated"),
        pytest.param(
            [toleration(key=DOWN["key"], operator="Exists", tolerationSeconds=300)], [DOWN], SINCE + 300, id="a while"
        ),
        pytest.param(
            [toleration(operator="Exists", tolerationSeconds=60), toleration(key="gpu", operator="Exists")],
            [GPU],
            SINCE + 60,
            id="the shortest while counts",
        ),
        pytest.param([toleration(operator="Exists", tolerationSeconds=-5)], [GPU], SINCE, id="less than none is none"),
    ],
)
def test_a_pod_stays_as_long_as_it_tolerates_every_taint(
    tolerations: list[pod_pb2.Toleration], taints: list[dict[str, str]], expected: float | None
) -> None:
    assert leave_at(tolerations, [node_pb2.Taint(**one) for one in taints], lambda _: SINCE) == expected


def test_a_pod_that_comes_to_a_node_with_a_taint_may_stay_as_long_as_one_that_was_there_before() -> None:
    pod = pod_pb2.Pod()
    pod.metadata.creationTimestamp.seconds = 4990
    pod.spec.tolerations.add(operator="Exists", tolerationSeconds=60)
    taints = [node_pb2.Taint(**GPU)]
    assert leave_at(pod.spec.tolerations, taints, lambda _: SINCE, bound_at(pod)) == 4990 + 60
    pod.status.conditions.add(type="PodScheduled", status="True").lastTransitionTime.seconds = 5000
    assert leave_at(pod.spec.tolerations, taints, lambda _: SINCE, bound_at(pod)) == 5000 + 60
    assert leave_at(pod.spec.tolerations, taints, lambda _: 6000.0, bound_at(pod)) == 6000 + 60


def test_only_noexecute_taints_evict() -> None:
    node = node_pb2.Node()
    node.spec.taints.add(key="gpu", effect="NoSchedule")
    assert evicting(node) == []
