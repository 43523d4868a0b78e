from __future__ import annotations

from collections.abc import Callable

import pytest

from podlab.spans.way import WayStep, shares, way, with_less_exact, with_waits
from podlab.v1.timeline_pb2 import ComponentSpans, PodTimelineResponse

MS = 1_000_000


def test_steps_stand_in_the_order_in_which_they_began(answer: PodTimelineResponse) -> None:
    found = way(answer)
    assert [(each.where, each.name) for each in found.steps] == [
        ("controllers", "seen"),
        ("controllers", "created"),
        ("apiserver", "stored"),
        ("scheduler", "seen"),
        ("scheduler", "bound"),
        ("kubelet on n1", "sandbox"),
        ("kubelet on n1", "network"),
        ("kubelet on n1", "ready told"),
        ("proxy on n1", "rules"),
        ("proxy on n2", "rules"),
    ]


def test_a_pod_is_reached_when_the_last_node_has_its_rules(answer: PodTimelineResponse) -> None:
    found = way(answer)
    assert found.ready_ns == found.began_ns + 72 * MS
    assert found.reached_ns == found.began_ns + 100 * MS


def test_times_of_a_clock_that_differs_are_moved(answer: PodTimelineResponse) -> None:
    found = way(answer)
    rules = {each.node: each.began_ns - found.began_ns for each in found.steps if each.name == "rules"}
    assert rules == {"n1": 80 * MS, "n2": 85 * MS}
    assert [each.where for each in found.clocks if each.differs] == ["proxy on n2"]


def test_a_difference_that_may_be_none_moves_nothing(spans_of: Callable[..., ComponentSpans]) -> None:
    told = spans_of("scheduler", ("pod", "seen", 7, 7, ""), skew_ms=0.5, error_ms=1.0)
    found = way(PodTimelineResponse(uid="pod", components=[told]))
    assert found.steps[0].began_ns == told.spans[0].began_ns


def test_who_cannot_be_asked_is_named(answer: PodTimelineResponse) -> None:
    assert way(answer).unanswered == (("dns on n2", "no answer"),)


def test_a_later_change_and_an_endpoint_of_an_earlier_pod_are_no_steps(
    answer: PodTimelineResponse, spans_of: Callable[..., ComponentSpans]
) -> None:
    answer.components.append(spans_of("proxy", ("default/web:10.0.0.1", "rules", -900, -890, "web"), node="n3"))
    steps = way(answer).steps
    assert "n3" not in {each.node for each in steps}
    assert len([each for each in steps if each.name == "stored"]) == 1


def test_what_the_owner_did_a_minute_before_is_no_step(spans_of: Callable[..., ComponentSpans]) -> None:
    answer = PodTimelineResponse(uid="pod")
    answer.owners.add(uid="rs", kind="ReplicaSet", name="web-1")
    told = (("rs", "seen", -61_000, -61_000, ""), ("pod", "created", 0, 1, ""), ("rs", "seen", 5, 5, ""))
    answer.components.append(spans_of("controllers", *told))
    assert [each.name for each in way(answer).steps] == ["created"]


def test_an_owner_was_stored_for_what_its_controller_has_seen_and_not_when_that_wrote_it(
    spans_of: Callable[..., ComponentSpans],
) -> None:
    answer = PodTimelineResponse(uid="pod")
    answer.owners.add(uid="d", kind="Deployment", name="web")
    answer.components.append(spans_of("apiserver", ("d", "stored", -40, -30, ""), ("d", "stored", -10, -5, "")))
    answer.components.append(spans_of("controllers", ("d", "seen", -28, -28, ""), ("pod", "created", 0, 1, "")))
    found = way(answer)
    assert [(each.name, each.began_ns - found.began_ns) for each in found.steps] == [
        ("stored", 0),
        ("seen", 12 * MS),
        ("created", 40 * MS),
    ]


@pytest.mark.parametrize(("stored", "names"), [(-10, ["stored", "created"]), (-29, ["created", "stored", "created"])])
def test_an_owner_that_is_scaled_up_again_was_not_made_for_the_pod(
    spans_of: Callable[..., ComponentSpans], stored: int, names: list[str]
) -> None:
    answer = PodTimelineResponse(uid="pod")
    answer.owners.add(uid="rs", kind="ReplicaSet", name="web-1")
    answer.components.append(spans_of("apiserver", ("rs", "stored", stored, stored + 2, "")))
    answer.components.append(spans_of("controllers", ("rs", "created", -30, -25, ""), ("pod", "created", 0, 1, "")))
    assert [each.name for each in way(answer).steps] == names


def test_time_within_a_step_belongs_to_the_step_inside_it(answer: PodTimelineResponse) -> None:
    parts = shares(way(answer))
    assert sum(each.own_ns for each in parts) == 100 * MS
    own = {(each.step.name, each.is_wait): each.own_ns // MS for each in parts}
    assert (parts[0].step.name, parts[0].own_ns) == ("network", 30 * MS)
    assert own["sandbox", False] == 10
    assert own["stored", False] == 4


def test_time_in_which_nothing_is_done_is_a_wait_for_what_comes_next(answer: PodTimelineResponse) -> None:
    listed = with_waits(way(answer), 2 * MS)
    waits = [(each.title, each.own_ns // MS) for each in listed if each.is_wait]
    assert waits == [
        ("waiting until created by ReplicaSet web-1", 10),
        ("waiting until sandbox", 2),
        ("waiting until ready, and the API server told", 6),
        ("waiting until rules in force for Service web", 8),
    ]


def test_less_exact_steps_come_in_only_where_nothing_exact_is_known(answer: PodTimelineResponse) -> None:
    began_ns = way(answer).began_ns
    stored = WayStep("stored", "apiserver", "", began_ns, began_ns)
    started = WayStep("start", "kubelet", "n1", began_ns + 1, began_ns + 1, "app")
    found = with_less_exact(way(answer), [stored, started])
    assert [(each.name, each.detail) for each in found.steps if not each.exact] == [("start", "app")]


def test_a_moment_told_by_the_second_comes_after_what_is_known_to_come_first(answer: PodTimelineResponse) -> None:
    found = way(answer)
    second_ns = found.began_ns + 10 * MS
    started = WayStep("start", "kubelet", "n1", second_ns, second_ns, "app")
    long_ago = WayStep("start", "kubelet", "n1", second_ns - 2000 * MS, second_ns - 2000 * MS, "other")
    steps = {each.detail: each for each in with_less_exact(found, [started, long_ago]).steps if not each.exact}
    assert steps["app"].began_ns == found.began_ns + 64 * MS  # the end of the sandbox
    assert steps["other"].began_ns == second_ns - 2000 * MS
