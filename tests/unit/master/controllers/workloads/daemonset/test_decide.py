"""What a DaemonSet does next, and that it gets where it should from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from master.controllers.workloads.daemonset.decide import DaemonSetPlan, decide
from master.controllers.workloads.daemonset.placement import NodePlacement, node_of
from master.controllers.workloads.daemonset.rolling import DaemonSetUpdate, is_available
from master.controllers.workloads.daemonset.status import with_status
from podlab.core.v1 import pod_pb2

NOW = 1_000_000
HASH = "controller-revision-hash"
Builder = Callable[..., Any]
VERDICTS = {
    "r": NodePlacement(run=True, stay=True),
    "s": NodePlacement(run=False, stay=True),
    "l": NodePlacement(run=False, stay=False),
}


def update(daemon_set: Builder, *, surge: int | str = 0, unavailable: int | str = 1) -> DaemonSetUpdate:
    return DaemonSetUpdate(daemon_set(surge=surge, unavailable=unavailable), "new", NOW)


def placements(letters: str) -> dict[str, NodePlacement]:
    """One letter a node, from n0 on: r(un), s(tay) or l(eave)."""
    return {f"n{number}": VERDICTS[letter] for number, letter in enumerate(letters)}


def pods(pod: Builder, nodes: Sequence[str]) -> list[pod_pb2.Pod]:
    """A word a node, a letter a pod: o(ld) or n(ew), O or N when not ready, g(oing), f(ailed)."""
    made = []
    for number, letters in enumerate(nodes):
        for age, letter in enumerate(letters):
            one = pod(node=f"n{number}", ready=letter in "on", going=letter == "g", created=NOW - 1000 + age)
            one.metadata.labels[HASH] = "new" if letter in "nN" else "old"
            one.status.phase = "Failed" if letter == "f" else "Running"
            made.append(one)
    return made


def told(plan: DaemonSetPlan) -> tuple[list[str], list[str], list[str]]:
    """Nodes of pods to create, to delete, and that ended; `new` and `old` tell which of two pods."""

    def words(chosen: Sequence[pod_pb2.Pod]) -> list[str]:
        return sorted(f"{one.metadata.labels[HASH]} {node_of(one)}" for one in chosen)

    return sorted(plan.create), words(plan.delete), words(plan.ended)


@pytest.mark.parametrize(
    ("nodes", "present", "create", "delete", "ended"),
    [
        pytest.param("rr", ["n", "n"], [], [], [], id="nothing to do"),
        pytest.param("rrr", ["n", "", ""], ["n1", "n2"], [], [], id="nodes that lack one"),
        pytest.param("r", ["g"], [], [], [], id="the next comes when the last is gone"),
        pytest.param("sl", ["n", "n"], [], ["new n1"], [], id="a pod may stay where a new one would not be made"),
        pytest.param("s", ["o"], [], [], [], id="and is not updated, for it could not come back"),
        pytest.param("sl", ["", ""], [], [], [], id="none where none belongs"),
        pytest.param("r", ["nn"], [], ["new n0"], [], id="one is enough"),
        pytest.param("r", ["f"], [], [], ["old n0"], id="one that ended"),
        pytest.param("l", ["f"], [], ["old n0"], [], id="one that ended where none belongs"),
        pytest.param("rrr", ["o", "o", "o"], [], ["old n0"], [], id="one after the other"),
        pytest.param("rrr", ["N", "o", "o"], [], [], [], id="the next when the first works"),
        pytest.param("rrr", ["n", "o", "o"], [], ["old n1"], [], id="then"),
        pytest.param("rrr", ["o", "O", "O"], [], ["old n1", "old n2"], [], id="old ones that do not work go at once"),
        pytest.param("rrr", ["o", "g", "o"], [], [], [], id="one is on its way"),
        pytest.param("rrr", ["o", "", "o"], ["n1"], [], [], id="one is missing"),
    ],
)
def test_without_surge(
    daemon_set: Builder,
    pod: Builder,
    nodes: str,
    present: list[str],
    create: list[str],
    delete: list[str],
    ended: list[str],
) -> None:
    plan = decide(update(daemon_set), placements(nodes), pods(pod, present))
    assert told(plan) == (create, delete, ended)


@pytest.mark.parametrize(
    ("present", "create", "delete"),
    [
        pytest.param(["n", "n", "n"], [], [], id="nothing to do"),
        pytest.param(["o", "o", "o"], ["n0"], [], id="a new one beside the old one"),
        pytest.param(["oN", "o", "o"], [], [], id="the old one stays until the new one works"),
        pytest.param(["on", "o", "o"], ["n1"], ["old n0"], id="then it goes, and the next node begins"),
        pytest.param(["ON", "o", "o"], [], ["old n0"], id="an old one that does not work need not stay"),
        pytest.param(["o", "O", "O"], ["n0", "n1", "n2"], [], id="where nothing works nothing is lost"),
        pytest.param(["oo", "n", "n"], ["n0"], ["old n0"], id="one old pod is enough"),
    ],
)
def test_with_a_surge_of_one(
    daemon_set: Builder, pod: Builder, present: list[str], create: list[str], delete: list[str]
) -> None:
    plan = decide(update(daemon_set, surge=1, unavailable=0), placements("rrr"), pods(pod, present))
    assert told(plan) == (create, delete, [])


def test_shares_are_of_the_nodes_and_rounded_up(daemon_set: Builder, pod: Builder) -> None:
    plan = decide(update(daemon_set, unavailable="40%"), placements("rrrll"), pods(pod, ["o", "o", "o"]))
    assert len(plan.delete) == 2
    plan = decide(update(daemon_set, surge="40%", unavailable=0), placements("rrr"), pods(pod, ["o", "o", "o"]))
    assert len(plan.create) == 2


def test_on_delete_replaces_nothing_by_itself(daemon_set: Builder, pod: Builder) -> None:
    one = update(daemon_set)
    one.daemon_set.spec.updateStrategy.type = "OnDelete"
    assert told(decide(one, placements("rr"), pods(pod, ["o", ""]))) == (["n1"], [], [])


def test_a_pod_that_waits_for_a_node_that_is_gone_goes(daemon_set: Builder, pod: Builder) -> None:
    (waiting, bound) = pods(pod, ["n", "n"])
    required = waiting.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution
    required.nodeSelectorTerms.add().matchFields.add(key="metadata.name", operator="In", values=["n0"])
    waiting.spec.nodeName = ""
    assert decide(update(daemon_set), {}, [waiting, bound]).delete == [waiting]


def test_the_status_counts_nodes(daemon_set: Builder, pod: Builder) -> None:
    present = pods(pod, ["n", "N", "o", "on", "", "n", ""])
    status = with_status(update(daemon_set), placements("rrrrrsl"), present, collisions=0).status
    assert (status.desiredNumberScheduled, status.currentNumberScheduled, status.numberMisscheduled) == (5, 4, 1)
    assert (status.numberReady, status.numberAvailable, status.numberUnavailable) == (3, 3, 2)
    assert status.updatedNumberScheduled == 2
    assert not status.HasField("collisionCount")


class Simulation:
    """A DaemonSet, its nodes and pods. A pod goes, or becomes ready, only when told to."""

    def __init__(
        self, one: DaemonSetUpdate, nodes: dict[str, NodePlacement], present: list[pod_pb2.Pod], make_pod: Builder
    ) -> None:
        self.update, self.placements, self.present, self._make_pod = one, nodes, present, make_pod
        self.wanted = {name for name, placement in nodes.items() if placement.run}
        self.time = NOW

    def up(self) -> set[str]:
        """Wanted nodes with a pod that works."""
        return {node_of(one) for one in self.present if is_available(self.update, one)} & self.wanted

    def step(self) -> bool:
        """True when there was something to do."""
        before, plan = self.up(), decide(self.update, self.placements, self.present)
        self.time += 1
        for one in (*plan.delete, *plan.ended):
            assert not one.metadata.HasField("deletionTimestamp"), "deleted twice"
            one.metadata.deletionTimestamp.seconds = NOW
        for node in plan.create:
            made = self._make_pod(node=node, ready=False, created=self.time)
            made.metadata.labels[HASH] = "new"
            self.present.append(made)
        rolling = self.update.daemon_set.spec.updateStrategy.rollingUpdate
        beside = [node for node in plan.create if node in before]
        assert len(beside) <= rolling.maxSurge.intVal, "too many nodes have two pods"
        lost = before - self.up()
        assert not lost or len(self.up()) >= len(self.wanted) - rolling.maxUnavailable.intVal, "too few are available"
        return bool(plan.create or plan.delete or plan.ended)

    def progress(self, number: int) -> bool:
        """True when, from the pod of that number on, one that goes was gone, or one became ready."""
        for one in self.present[number:]:
            if one.metadata.HasField("deletionTimestamp"):
                self.present.remove(one)
                return True
            if one.status.phase == "Running" and one.status.conditions[0].status != "True":
                one.status.conditions[0].status = "True"
                return True
        return False


@settings(max_examples=200)
@given(
    nodes=st.text("rrrrsl", max_size=7),
    present=st.lists(st.text("ooNngf", max_size=3), max_size=7),
    bounds=st.sampled_from([(0, 1), (0, 2), (1, 0), (2, 0)]),
    order=st.lists(st.integers(0, 5), max_size=60),
)
def test_from_any_state_each_node_gets_its_pod_without_ever_too_few(
    daemon_set: Any, pod: Any, nodes: str, present: list[str], bounds: tuple[int, int], order: list[int]
) -> None:
    surge, unavailable = bounds
    one = update(daemon_set, surge=surge, unavailable=unavailable)
    cluster = Simulation(one, placements(nodes), pods(pod, present[: len(nodes)]), pod)
    for number in order:
        cluster.step()
        cluster.progress(number)
    for _ in range(300):
        if not cluster.step() and not cluster.progress(0):
            break
    assert cluster.up() == cluster.wanted
    kept = [node_of(found) for found in cluster.present if cluster.placements[node_of(found)].run]
    assert sorted(kept) == sorted(cluster.wanted)
    for found in cluster.present:
        placement = cluster.placements[node_of(found)]
        assert placement.stay
        assert not placement.run or found.metadata.labels[HASH] == "new"
