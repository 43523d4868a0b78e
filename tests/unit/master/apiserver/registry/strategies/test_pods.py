from __future__ import annotations

import pytest

from master.apiserver.registry.strategies import pods
from podlab.core.v1 import pod_pb2

Amounts = dict[str, str]


def spec(*containers: tuple[Amounts, Amounts]) -> pod_pb2.PodSpec:
    made = pod_pb2.PodSpec()
    for requests, limits in containers:
        resources = made.containers.add(name="c").resources
        for side, amounts in ((resources.requests, requests), (resources.limits, limits)):
            for name, amount in amounts.items():
                side[name].string = amount
    return made


FULL = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("containers", "quality"),
    [
        ([({}, {})], "BestEffort"),
        ([({"cpu": "0"}, {})], "BestEffort"),
        ([({"ephemeral-storage": "1Gi"}, {})], "BestEffort"),
        ([(FULL, FULL)], "Guaranteed"),
        ([({"cpu": "1000m", "memory": "1024Mi"}, FULL)], "Guaranteed"),
        ([(FULL, {})], "Burstable"),
        ([({"cpu": "1"}, {"cpu": "1"})], "Burstable"),
        ([({"cpu": "500m", "memory": "1Gi"}, FULL)], "Burstable"),
        ([(FULL, FULL), ({}, {})], "Burstable"),
        ([({"cpu": "much"}, {})], "BestEffort"),
    ],
)
def test_the_class_follows_requests_and_limits(containers: list[tuple[Amounts, Amounts]], quality: str) -> None:
    assert pods.quality(spec(*containers)) == quality


def test_init_containers_count_too() -> None:
    made = spec((FULL, FULL))
    made.initContainers.add(name="first")
    assert pods.quality(made) == "Burstable"


def test_a_kubelet_cannot_change_the_class() -> None:
    old, new = pod_pb2.Pod(), pod_pb2.Pod()
    old.status.qosClass, new.status.qosClass = "Burstable", "Guaranteed"
    pods.keep_class(new, old)
    assert new.status.qosClass == "Burstable"


def test_a_gated_pod_begins_with_the_condition_that_says_so() -> None:
    gated, free = pod_pb2.Pod(), pod_pb2.Pod()
    gated.spec.schedulingGates.add(name="example.com/quota")
    for pod in (gated, free):
        pods.beginning(300)(pod)
    assert [(one.type, one.status, one.reason) for one in gated.status.conditions] == [
        ("PodScheduled", "False", "SchedulingGated")
    ]
    assert not free.status.conditions
