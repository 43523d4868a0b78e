"""Room that is kept for a pod."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.scheduler.cache.pod_info import PodInfo, pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.preemption.nominated_pods import Nominations
from podlab.core.v1.pod_pb2 import Pod


def info(name: str, priority: int) -> PodInfo:
    made = Pod()
    made.metadata.name, made.metadata.uid, made.spec.priority = name, f"uid-{name}", priority
    return pod_info(made)


def standing(snapshot: Snapshot) -> set[str]:
    return {str(each.pod.metadata.name) for each in snapshot.pods_on("n1")}


@pytest.mark.parametrize(
    ("judged", "seen"),
    [
        (info("other", 5), {"high", "middle"}),
        (info("other", 10), {"high", "middle"}),
        (info("other", 11), {"high"}),
        (info("other", 100), set()),
        (info("high", 50), set()),
        (info("middle", 10), {"high"}),
    ],
)
def test_a_pod_sees_those_that_are_at_least_as_important(judged: PodInfo, seen: set[str]) -> None:
    snapshot = Snapshot()
    nominations = Nominations(snapshot)
    nominations.nominate(info("middle", 10), "n1")
    nominations.nominate(info("high", 50), "n1")
    nominations.arrange_for(judged)
    assert standing(snapshot) == seen
    nominations.arrange_for(info("lowest", -1))
    assert standing(snapshot) == {"high", "middle"}


def test_what_is_given_up_is_free() -> None:
    snapshot = Snapshot()
    nominations = Nominations(snapshot)
    nominations.nominate(info("high", 50), "n1")
    nominations.arrange_for(info("low", 0))
    assert nominations.node_of("uid-high") == "n1"
    assert [each.pod.metadata.name for each in nominations.less_important("n1", 60)] == ["high"]
    assert nominations.forget("uid-high") is not None
    assert nominations.forget("uid-high") is None
    assert standing(snapshot) == set()
    assert nominations.node_of("uid-high") == ""


NAMES = [f"{name}-{priority}" for name in "abc" for priority in (0, 5, 10)]
STEPS = st.lists(st.tuples(st.sampled_from(["nominate", "forget", "judge"]), st.sampled_from(NAMES)), max_size=30)


@given(STEPS)
def test_whatever_came_before_each_pod_sees_those_that_hold_it_off(steps: list[tuple[str, str]]) -> None:
    snapshot = Snapshot()
    nominations = Nominations(snapshot)
    nominated: set[str] = set()
    for what, name in steps:
        priority = int(name.partition("-")[2])
        if what == "nominate":
            nominations.nominate(info(name, priority), "n1")
            nominated.add(name)
        elif what == "forget":
            assert (nominations.forget(f"uid-{name}") is None) == (name not in nominated)
            nominated.discard(name)
        else:
            nominations.arrange_for(info(name, priority))
            seen = {other for other in nominated if other != name and int(other.partition("-")[2]) >= priority}
            assert standing(snapshot) == seen
