"""Who gives way to a critical pod."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import Json, MakePod

from node.kubelet.admission.preemption import PreemptionFailed, victims
from podlab.core.v1 import pod_pb2

CRITICAL = 2_000_000_000


def named(pod: MakePod, name: str, *, cpu: str = "", guaranteed: bool = False, priority: int = 0) -> pod_pb2.Pod:
    requests = {"cpu": cpu} if cpu else {}
    resources: Json = {"requests": requests}
    if guaranteed:
        resources = {"requests": {**requests, "memory": "1Mi"}, "limits": {**requests, "memory": "1Mi"}}
    containers = [{"name": "web", "image": "i", "resources": resources}]
    return pod(meta={"name": name, "uid": name}, containers=containers, priority=priority)


CASES: list[tuple[str, list[tuple[str, Json]], dict[str, int], list[str]]] = [
    ("the one that suffices", [("a", {"cpu": "200m"}), ("b", {"cpu": "1"})], {"cpu": 500}, ["b"]),
    ("the smaller of two that suffice", [("a", {"cpu": "2"}), ("b", {"cpu": "1"})], {"cpu": 500}, ["b"]),
    ("a burstable one before a guaranteed", [("a", {"cpu": "1", "guaranteed": True}), ("b", {"cpu": "1"})],
     {"cpu": 500}, ["b"]),
    ("both when one is too little", [("a", {"cpu": "300m"}), ("b", {"cpu": "400m"})], {"cpu": 600}, ["b", "a"]),
    ("one that asks for nothing, for its place", [("a", {"cpu": "1"}), ("b", {})], {"pods": 1}, ["b"]),
    ("no critical one", [("a", {"cpu": "1", "priority": CRITICAL + 1000}), ("b", {"cpu": "1"})], {"cpu": 500}, ["b"]),
    ("a critical one of less priority", [("a", {"cpu": "1", "priority": CRITICAL})], {"cpu": 500}, ["a"]),
]  # fmt: skip


@pytest.mark.parametrize(("others", "wants", "chosen"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_few_and_those_that_matter_least_give_way(
    pod: MakePod, others: list[tuple[str, Json]], wants: dict[str, int], chosen: list[str]
) -> None:
    critical = named(pod, "critical", priority=CRITICAL + 1000)
    found = victims(critical, [named(pod, name, **spec) for name, spec in others], wants)
    assert [each.metadata.name for each in found] == chosen


def test_nobody_gives_way_for_nothing(pod: MakePod) -> None:
    others = [named(pod, "a", cpu="1"), named(pod, "b", cpu="5", priority=CRITICAL + 1000)]
    with pytest.raises(PreemptionFailed, match=r"to reclaim resources: \[\(res: cpu, q: 1000\), \]"):
        victims(named(pod, "critical", priority=CRITICAL + 1000), others, {"cpu": 2000})
