"""How many pods a budget lets go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.controllers.workloads.disruption.decide import (
    DELETION_LIMIT_S,
    DisruptionPlan,
    UnknownScale,
    WorkloadScale,
    decide,
)
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

NOW = 1_000_000
Builder = Callable[..., Any]


def budget(bound: str = "minAvailable", value: int | str | None = 2, granted: dict[str, int] | None = None) -> Any:
    made = PodDisruptionBudget(metadata=meta_pb2.ObjectMeta(name="b", namespace="default", generation=4))
    if isinstance(value, int):
        getattr(made.spec, bound).CopyFrom(meta_pb2.IntOrString(type=0, intVal=value))
    elif value is not None:
        getattr(made.spec, bound).CopyFrom(meta_pb2.IntOrString(type=1, strVal=value))
    for name, seconds in (granted or {}).items():
        made.status.disruptedPods[name].seconds = seconds
    return made


def plan_of(one: PodDisruptionBudget, pods: list[pod_pb2.Pod], replicas: int) -> DisruptionPlan:
    return decide(one, pods, {pod.metadata.uid: WorkloadScale("uid-web", replicas) for pod in pods}, NOW)


@pytest.mark.parametrize(
    ("bound", "value", "replicas", "present", "expected"),
    [
        # allowed, healthy, desired, expected
        pytest.param("minAvailable", 2, 3, [{}, {}, {}], (1, 3, 2, 3), id="one to spare"),
        pytest.param("minAvailable", 3, 3, [{}, {}, {}], (0, 3, 3, 3), id="none to spare"),
        pytest.param("minAvailable", 4, 3, [{}, {}, {}], (0, 3, 4, 3), id="fewer than there must be"),
        pytest.param("minAvailable", 1, 3, [{}, {"ready": False}, {"going": True}], (0, 1, 1, 3), id="unhealthy ones"),
        pytest.param("minAvailable", "50%", 3, [{}, {}, {}], (1, 3, 2, 3), id="half of three is two"),
        pytest.param("minAvailable", "50%", 6, [{}, {}, {}], (0, 3, 3, 6), id="of what is wanted, not of what is"),
        pytest.param("minAvailable", "100%", 3, [{}, {}, {}], (0, 3, 3, 3), id="all"),
        pytest.param("minAvailable", "0%", 3, [{}, {}, {}], (3, 3, 0, 3), id="none needed"),
        pytest.param("maxUnavailable", 1, 3, [{}, {}, {}], (1, 3, 2, 3), id="one may be missing"),
        pytest.param("maxUnavailable", 1, 3, [{}, {}], (0, 2, 2, 3), id="one is missing"),
        pytest.param("maxUnavailable", "30%", 3, [{}, {}, {}], (1, 3, 2, 3), id="a share, rounded up"),
        pytest.param("maxUnavailable", 9, 3, [{}, {}, {}], (3, 3, 0, 3), id="more than there are"),
        pytest.param("maxUnavailable", 0, 3, [{}, {}, {}], (0, 3, 3, 3), id="nothing may be missing"),
        pytest.param("minAvailable", 1, 0, [], (0, 0, 1, 0), id="no pods"),
        pytest.param("minAvailable", None, 2, [{}, {}], (0, 2, 0, 0), id="no bound"),
    ],
)
def test_a_budget_lets_go_what_it_can_spare(
    pod: Builder,
    bound: str,
    value: int | str | None,
    replicas: int,
    present: list[dict[str, Any]],
    expected: tuple[int, int, int, int],
) -> None:
    status = plan_of(budget(bound, value), [pod(**looks) for looks in present], replicas).status
    found = (status.disruptionsAllowed, status.currentHealthy, status.desiredHealthy, status.expectedPods)
    assert found == expected
    (told,) = status.conditions
    said = ("True", "SufficientPods") if expected[0] else ("False", "InsufficientPods")
    assert (told.type, told.status, told.reason, told.observedGeneration) == ("DisruptionAllowed", *said, 4)


def test_nothing_changes_when_it_is_counted_again(pod: Builder) -> None:
    one, pods = budget(), [pod() for _ in range(3)]
    one.status.CopyFrom(plan_of(one, pods, 3).status)
    assert decide(one, pods, {}, NOW + 60).status == one.status


def test_a_pod_whose_eviction_was_granted_does_not_count_while_it_is_still_seen(pod: Builder) -> None:
    pods = [pod("web-0"), pod("web-1"), pod("web-2")]
    plan = plan_of(budget(granted={"web-0": NOW - 20, "gone": NOW}), pods, 3)
    assert (plan.status.currentHealthy, plan.status.disruptionsAllowed) == (2, 0)
    assert list(plan.status.disruptedPods) == ["web-0"]
    assert plan.wait_s == DELETION_LIMIT_S - 20
    going = [pod("web-0", going=True), *pods[1:]]
    assert not plan_of(budget(granted={"web-0": NOW - 20}), going, 3).status.disruptedPods


def test_a_pod_that_was_to_go_and_stays_counts_again(pod: Builder) -> None:
    pods = [pod("web-0"), pod("web-1"), pod("web-2")]
    plan = plan_of(budget(granted={"web-0": NOW - DELETION_LIMIT_S}), pods, 3)
    assert plan.status.disruptionsAllowed == 1
    assert plan.kept == pods[:1]


def test_what_has_no_scale_cannot_be_counted(pod: Builder) -> None:
    pods = [pod(), pod()]
    reason = "jobs.batch does not implement the scale subresource"
    plan = decide(budget("maxUnavailable", 1), pods, {one.metadata.uid: UnknownScale(reason) for one in pods}, NOW)
    assert plan.failure == reason
    (told,) = plan.status.conditions
    assert (plan.status.disruptionsAllowed, told.status, told.reason, told.message) == (
        0,
        "False",
        "SyncFailed",
        reason,
    )


def test_pods_that_nothing_scales_are_named(pod: Builder) -> None:
    pods = [pod("alone"), pod("web-0")]
    plan = decide(
        budget("maxUnavailable", 1),
        pods,
        {pods[0].metadata.uid: None, pods[1].metadata.uid: WorkloadScale("web", 1)},
        NOW,
    )
    assert plan.unmanaged == ["alone"]
    assert plan.status.expectedPods == 1


@given(bound=st.integers(0, 12), ready=st.lists(st.booleans(), max_size=12))
def test_whoever_evicts_no_more_than_allowed_keeps_the_bound(pod: Builder, bound: int, ready: list[bool]) -> None:
    status = plan_of(budget("minAvailable", bound), [pod(ready=one) for one in ready], len(ready)).status
    assert sum(ready) - status.disruptionsAllowed >= min(bound, sum(ready))
