from __future__ import annotations

import pytest

from podlab.api.pods.qos import qos_class
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
        ([({}, FULL)], "Guaranteed"),
    ],
)
def test_the_class_follows_requests_and_limits(containers: list[tuple[Amounts, Amounts]], quality: str) -> None:
    assert qos_class(spec(*containers)) == quality


def test_init_containers_count_too() -> None:
    made = spec((FULL, FULL))
    made.initContainers.add(name="first")
    assert qos_class(made) == "Burstable"


def test_a_pod_that_asks_as_a_whole_is_judged_by_that_alone() -> None:
    made = spec((FULL, FULL), ({}, {}))
    made.resources.requests["cpu"].string = "2"
    assert qos_class(made) == "Burstable"
    for side in (made.resources.requests, made.resources.limits):
        side["cpu"].string, side["memory"].string = "2", "2Gi"
    assert qos_class(made) == "Guaranteed"
