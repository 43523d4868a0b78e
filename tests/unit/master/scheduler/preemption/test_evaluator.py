"""Who makes room for a more important pod, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.preemption.disruption_budgets import DisruptionBudgets
from master.scheduler.preemption.evaluator import Evaluator, PreemptionResult
from master.scheduler.preemption.victims import Candidate, DryRun
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget


@dataclass(frozen=True)
class Assigned:
    """A pod on a node. CPU is in thousandths of a core; `app` is its label, `started` in seconds."""

    name: str
    node: str
    cpu: int = 500
    priority: int = 0
    app: str = ""
    started: int = 1
    port: int = 0


def pod(name: str, cpu: int, priority: int, *, app: str = "", started: int = 0, port: int = 0) -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = name, "default", f"uid-{name}"
    made.metadata.labels["app"] = app
    made.spec.priority, made.spec.schedulerName = priority, "default-scheduler"
    container = made.spec.containers.add(name="c")
    container.resources.requests["cpu"].string = f"{cpu}m"
    if port:
        container.ports.add(containerPort=port, hostPort=port, protocol="TCP")
    if started:
        made.status.startTime.seconds = started
    return made


def node(name: str, cpu: int) -> Node:
    made = Node()
    made.metadata.name = name
    made.metadata.labels["kubernetes.io/hostname"] = name
    for resource, amount in (("cpu", f"{cpu}m"), ("memory", "4Gi"), ("pods", "110")):
        made.status.allocatable[resource].string = amount
    return made


def cluster(nodes: dict[str, int], assigned: Sequence[Assigned]) -> Snapshot:
    snapshot = Snapshot()
    for name, cpu in nodes.items():
        snapshot.set_node(node(name, cpu))
    for one in assigned:
        made = pod(one.name, one.cpu, one.priority, app=one.app, started=one.started, port=one.port)
        snapshot.add_pod(pod_info(made), one.node)
    return snapshot


def budget(app: str, allowed: int, *disrupted: str) -> PodDisruptionBudget:
    made = PodDisruptionBudget()
    made.metadata.namespace = "default"
    made.spec.selector.matchLabels["app"] = app
    made.status.disruptionsAllowed = allowed
    for name in disrupted:
        made.status.disruptedPods[name].seconds = 1
    return made


def preempt(
    snapshot: Snapshot, preemptor: Pod, *budgets: PodDisruptionBudget, nominated_node: str = ""
) -> PreemptionResult:
    info = pod_info(preemptor)
    result = schedule_pod(info, snapshot, DEFAULT_PROFILE, FilterCache())
    assert not result.node_name
    return Evaluator().preempt(
        info, snapshot, result, DisruptionBudgets(budgets), DefaultPreemption(), shape=0, nominated_node=nominated_node
    )


def names(candidate: Candidate | None) -> list[str]:
    assert candidate is not None
    return [victim.pod.metadata.name for victim in candidate.victims]


HIGH = pod("high", 900, 1000)
ELSEWHERE = Assigned("important", "n2", 900, 2000)
TWO = {"n1": 1000, "n2": 1000}
SIMILAR = [("middle", 400, 5), ("low", 400, 1), ("tiny", 50, 9)]


@pytest.mark.parametrize(
    ("assigned", "budgets", "node_name", "victims"),
    [
        ([Assigned("a", "n1"), Assigned("b", "n2", priority=2000)], [], "n1", ["a"]),
        # Only what has to go goes, and of those that may stay the most important stays.
        ([Assigned("a", "n1", 50), Assigned("b", "n1", 500), Assigned("c", "n1", 50, 5), ELSEWHERE], [], "n1", ["b"]),
        (
            [Assigned("a", "n1", 80, 5), Assigned("b", "n1", 80, 7), Assigned("c", "n1", 400), ELSEWHERE],
            [],
            "n1",
            ["a", "c"],
        ),
        # Fewest broken budgets.
        ([Assigned("a", "n1", app="web"), Assigned("b", "n2", priority=9)], [budget("web", 0)], "n2", ["b"]),
        ([Assigned("a", "n1", app="web"), Assigned("b", "n2", priority=9)], [budget("web", 1)], "n1", ["a"]),
        ([Assigned("a", "n1", app="web"), Assigned("b", "n2", priority=9)], [budget("web", 0, "a")], "n1", ["a"]),
        # Within a node, those whose budget would break stay first.
        (
            [Assigned("a", "n1", 100, app="web"), Assigned("b", "n1", 100, 5), Assigned("c", "n1", 100), ELSEWHERE],
            [budget("web", 0)],
            "n1",
            ["b", "c"],
        ),
        # Least important victims.
        ([Assigned("a", "n1", priority=5), Assigned("b", "n2", priority=3)], [], "n2", ["b"]),
        # Smallest sum of priorities.
        (
            [Assigned("a", "n1", priority=5), Assigned("b", "n1", priority=4), Assigned("c", "n2", priority=5)],
            [],
            "n2",
            ["c"],
        ),
        # Negative priorities: the fewest victims all the same.
        (
            [
                *(Assigned(f"a{number}", "n1", 300, -10) for number in range(3)),
                *(Assigned(f"b{number}", "n2", 450, -10) for number in range(2)),
            ],
            [],
            "n2",
            ["b0", "b1"],
        ),
        # The latest start, of the most important victims.
        ([Assigned("a", "n1", started=100), Assigned("b", "n2", started=200)], [], "n2", ["b"]),
    ],
)
def test_kubernetes_order_decides(
    assigned: Sequence[Assigned], budgets: Sequence[PodDisruptionBudget], node_name: str, victims: list[str]
) -> None:
    found = preempt(cluster(TWO, assigned), HIGH, *budgets)
    assert found.chosen is not None
    assert (found.chosen.node_name, sorted(names(found.chosen))) == (node_name, victims)


def test_a_host_port_is_freed_too() -> None:
    snapshot = cluster({"n1": 4000}, [Assigned("web", "n1", port=80), Assigned("other", "n1")])
    assert names(preempt(snapshot, pod("high", 100, 10, port=80)).chosen) == ["web"]


@pytest.mark.parametrize(
    ("assigned", "preemptor", "message"),
    [
        ([Assigned("a", "n1", priority=1000)], HIGH, "2 No preemption victims found for incoming pod."),
        ([], pod("huge", 9000, 10), "2 Preemption is not helpful for scheduling."),
    ],
)
def test_what_does_not_help_is_told(assigned: Sequence[Assigned], preemptor: Pod, message: str) -> None:
    full = [Assigned("x", "n1", 900, 2000), Assigned("y", "n2", 900, 2000)]
    found = preempt(cluster(TWO, [*assigned, *full]), preemptor)
    assert found.chosen is None
    assert found.message == f"preemption: 0/2 nodes are available: {message}"


def test_who_is_never_to_preempt_does_not() -> None:
    polite = pod("polite", 900, 1000)
    polite.spec.preemptionPolicy = "Never"
    found = preempt(cluster(TWO, [Assigned("a", "n1"), Assigned("b", "n2")]), polite)
    assert found == PreemptionResult(message="preemption: not eligible due to preemptionPolicy=Never.")


def test_while_a_victim_ends_nobody_else_has_to_go() -> None:
    snapshot = cluster(TWO, [Assigned("b", "n2")])
    going = pod("a", 500, 0)
    going.metadata.deletionTimestamp.seconds = 5
    going.status.conditions.add(type="DisruptionTarget", status="True", reason="PreemptionByScheduler")
    snapshot.add_pod(pod_info(going), "n1")
    found = preempt(snapshot, HIGH, nominated_node="n1")
    assert (found.chosen, found.victims) == (None, ["uid-a"])
    assert found.message == "preemption: not eligible due to a terminating pod on the nominated node."
    assert preempt(snapshot, HIGH).chosen is not None
    assert preempt(snapshot, HIGH, nominated_node="gone").chosen is not None, "its node has gone"


def test_where_room_does_not_help_any_more_nobody_is_waited_for() -> None:
    snapshot = cluster(TWO, [Assigned("b", "n2")])
    going = pod("a", 500, 0)
    going.metadata.deletionTimestamp.seconds = 5
    going.status.conditions.add(type="DisruptionTarget", status="True", reason="PreemptionByScheduler")
    snapshot.add_pod(pod_info(going), "n1")
    cordoned = node("n1", 1000)
    cordoned.spec.unschedulable = True
    snapshot.set_node(cordoned)
    found = preempt(snapshot, HIGH, nominated_node="n1")
    assert found.chosen is not None
    assert found.chosen.node_name == "n2"


def test_of_alike_nodes_each_names_its_own_victims() -> None:
    alike = [Assigned(f"{name}-{node}", node, cpu, priority) for node in TWO for name, cpu, priority in SIMILAR]
    found = preempt(cluster(TWO, alike), HIGH, budget("", 0))
    assert {each.node_name: names(each) for each in found.candidates} == {
        node: [f"middle-{node}", f"low-{node}"] for node in TWO
    }
    assert {each.violations for each in found.candidates} == {2}


def test_a_budget_tells_alike_nodes_apart() -> None:
    assigned = [Assigned(f"{name}-{node}", node, 400, app=f"{name}-{node}") for node in TWO for name in ("a", "b")]
    found = preempt(cluster(TWO, assigned), pod("high", 500, 10), budget("a-n1", 0), budget("b-n2", 0))
    assert {each.node_name: names(each) for each in found.candidates} == {"n1": ["b-n1"], "n2": ["a-n2"]}


def test_the_preference_is_kubernetes_sequence() -> None:
    def victims(*priorities: int, started: int = 1) -> tuple:  # type: ignore[type-arg]
        return tuple(pod_info(pod(f"p{at}", 1, each, started=started)) for at, each in enumerate(priorities))

    ordered = [
        Candidate("latest", victims(1, started=9)),
        Candidate("earlier", victims(1, started=5)),
        Candidate("larger sum", victims(1, 0)),
        Candidate("more important", victims(2)),
        Candidate("a budget", victims(0), violations=1),
    ]
    mixed = [ordered[at] for at in (3, 0, 4, 2, 1)]
    assert sorted(mixed, key=lambda each: each.harm) == ordered


PODS = st.lists(
    st.tuples(st.sampled_from(["n1", "n2", "n3"]), st.sampled_from([100, 250, 400]), st.integers(-5, 20)), max_size=12
)


@given(PODS, st.integers(200, 1000), st.integers(-5, 20))
def test_no_equal_goes_none_too_many_go_and_all_is_as_before(
    assigned: list[tuple[str, int, int]], cpu: int, priority: int
) -> None:
    nodes = {"n1": 1000, "n2": 1000, "n3": 1000}
    room = dict(nodes)
    kept = []
    for number, (node, takes, each) in enumerate(assigned):
        if room[node] >= takes:
            room[node] -= takes
            kept.append(Assigned(f"p{number}", node, takes, each))
    snapshot = cluster(nodes, kept)
    preemptor = pod_info(pod("new", cpu, priority))
    result = schedule_pod(preemptor, snapshot, DEFAULT_PROFILE, FilterCache())
    if result.node_name:
        return
    before, changes = snapshot.resources.requested.copy(), snapshot.changes
    found = Evaluator().preempt(
        preemptor, snapshot, result, DisruptionBudgets([]), DefaultPreemption(), shape=0, nominated_node=""
    )
    assert (snapshot.resources.requested == before).all()
    assert snapshot.changes == changes
    possible = [
        node
        for node in nodes
        if room[node] + sum(each.cpu for each in kept if each.node == node and each.priority < priority) >= cpu
    ]
    assert bool(possible) == (found.chosen is not None)
    if found.chosen is None:
        return
    node = found.chosen.node_name
    takes = {f"uid-{each.name}": each.cpu for each in kept}
    freed = [takes[victim.uid] for victim in found.chosen.victims]
    assert all(victim.pod.spec.priority < priority for victim in found.chosen.victims)
    assert room[node] + sum(freed) >= cpu
    assert all(room[node] + sum(freed) - each < cpu for each in freed)


MOVES = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["n1", "n2", "n3", ""])), min_size=1, max_size=12)


@given(MOVES)
def test_what_is_kept_from_pod_to_pod_changes_no_result(moves: list[tuple[int, str]]) -> None:
    snapshot = cluster({"n1": 1000, "n2": 1000, "n3": 1000}, [])
    preemptor, keeps, budgets = pod_info(pod("new", 700, 10)), Evaluator(), DisruptionBudgets([])
    for number, node in moves:
        info = pod_info(pod(f"p{number}", 350 + 10 * (number % 2), number))
        snapshot.add_pod(info, node) if node else snapshot.remove_pod(info.uid)
        result = schedule_pod(preemptor, snapshot, DEFAULT_PROFILE, FilterCache())
        if not result.node_name:
            kept, fresh = (
                each.preempt(preemptor, snapshot, result, budgets, DefaultPreemption(), shape=0, nominated_node="")
                for each in (keeps, Evaluator())
            )
            assert {each.node_name: names(each) for each in kept.candidates} == {
                each.node_name: names(each) for each in fresh.candidates
            }
            assert kept.message == fresh.message
            alone = [
                DryRun().candidates(preemptor, snapshot, DEFAULT_PROFILE, np.array([row], np.int64), budgets)
                for row in result.preemption_candidates()
            ]
            assert {each.node_name: names(each) for each in kept.candidates} == {
                each.node_name: names(each) for found in alone for each in found.values()
            }
