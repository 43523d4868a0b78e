"""Pods that are nominated to nodes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.scheduler.cache.pod_info import PodInfo, pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.preemption.nominated_pods import NominatedPods
from podlab.core.v1.pod_pb2 import Pod


def info(name: str, priority: int) -> PodInfo:
    made = Pod()
    made.metadata.name, made.metadata.uid, made.spec.priority = name, f"uid-{name}", priority
    return pod_info(made)


def on_node(snapshot: Snapshot) -> set[str]:
    return {str(each.pod.metadata.name) for each in snapshot.pods_on("n1")}


@pytest.mark.parametrize(
    ("scheduled", "seen"),
    [
        (info("other", 5), {"high", "middle"}),
        (info("other", 10), {"high", "middle"}),
        (info("other", 11), {"high"}),
        (info("other", 100), set()),
        (info("high", 50), set()),
        (info("middle", 10), {"high"}),
    ],
)
def test_a_pod_sees_those_that_are_at_least_as_important(scheduled: PodInfo, seen: set[str]) -> None:
    snapshot = Snapshot()
    nominated_pods = NominatedPods(snapshot)
    nominated_pods.add(info("middle", 10), "n1")
    nominated_pods.add(info("high", 50), "n1")
    nominated_pods.prepare_snapshot_for(scheduled)
    assert on_node(snapshot) == seen
    nominated_pods.prepare_snapshot_for(info("lowest", -1))
    assert on_node(snapshot) == {"high", "middle"}


def test_the_room_of_a_pod_that_is_removed_is_free() -> None:
    snapshot = Snapshot()
    nominated_pods = NominatedPods(snapshot)
    nominated_pods.add(info("high", 50), "n1")
    nominated_pods.prepare_snapshot_for(info("low", 0))
    assert nominated_pods.node_of("uid-high") == "n1"
    assert [each.pod.metadata.name for each in nominated_pods.of_lower_priority("n1", 60)] == ["high"]
    assert nominated_pods.remove("uid-high") is not None
    assert nominated_pods.remove("uid-high") is None
    assert on_node(snapshot) == set()
    assert nominated_pods.node_of("uid-high") == ""


NAMES = [f"{name}-{priority}" for name in "abc" for priority in (0, 5, 10)]
STEPS = st.lists(st.tuples(st.sampled_from(["add", "remove", "schedule"]), st.sampled_from(NAMES)), max_size=30)


@given(STEPS)
def test_whatever_came_before_each_pod_sees_those_that_it_has_to_respect(steps: list[tuple[str, str]]) -> None:
    snapshot = Snapshot()
    nominated_pods = NominatedPods(snapshot)
    nominated: set[str] = set()
    for action, name in steps:
        priority = int(name.partition("-")[2])
        if action == "add":
            nominated_pods.add(info(name, priority), "n1")
            nominated.add(name)
        elif action == "remove":
            assert (nominated_pods.remove(f"uid-{name}") is None) == (name not in nominated)
            nominated.discard(name)
        else:
            nominated_pods.prepare_snapshot_for(info(name, priority))
            seen = {other for other in nominated if other != name and int(other.partition("-")[2]) >= priority}
            assert on_node(snapshot) == seen
