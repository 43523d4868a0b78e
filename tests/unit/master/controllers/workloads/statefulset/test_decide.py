"""What a StatefulSet does next, and that it gets where it should from anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from master.controllers.workloads.controllerrevisions.decide import HASH_LABEL, new_revision
from master.controllers.workloads.statefulset.decide import RolloutRevisions, decide, is_available
from master.controllers.workloads.statefulset.status import with_status
from podlab.core.v1 import pod_pb2

NOW = 1_000_000
Builder = Callable[..., Any]


def revisions(stateful_set: Builder) -> RolloutRevisions:
    return RolloutRevisions(
        new_revision(stateful_set(image="old"), 1, 0),
        new_revision(stateful_set(image="new"), 2, 0),
    )


def pods(pod: Builder, two: RolloutRevisions, states: str) -> list[pod_pb2.Pod]:
    """One letter a pod, from ordinal 0 on: o(ld) or n(ew), O or N when not ready, g(oing), f(ailed), - for none."""
    made = []
    for ordinal, letter in enumerate(states):
        if letter != "-":
            one = pod(f"web-{ordinal}", ready=letter in "on", going=letter == "g", app="web")
            one.metadata.labels[HASH_LABEL] = (two.update if letter in "nN" else two.current).metadata.name
            one.status.phase = "Failed" if letter == "f" else "Running"
            made.append(one)
    return made


def numbers(chosen: list[pod_pb2.Pod]) -> list[int]:
    return [int(one.metadata.name.removeprefix("web-")) for one in chosen]


@pytest.mark.parametrize(
    ("replicas", "states", "create", "delete"),
    [
        pytest.param(3, "nnn", [], [], id="nothing to do"),
        pytest.param(3, "---", [0], [], id="the first"),
        pytest.param(3, "N--", [], [], id="the next waits for the one before"),
        pytest.param(3, "n--", [1], [], id="the next"),
        pytest.param(3, "n-n", [1], [], id="a gap"),
        pytest.param(3, "fnn", [], [0], id="a failed pod is replaced"),
        pytest.param(3, "gnn", [], [], id="a name is free when its pod is gone"),
        pytest.param(1, "nnn", [], [2], id="the highest goes first"),
        pytest.param(1, "nng", [], [], id="and has to be gone before the next"),
        pytest.param(1, "Nnn", [], [], id="nothing goes while one that stays does not work"),
        pytest.param(1, "nNn", [], [2], id="one that works goes though one below does not"),
        pytest.param(1, "nnN", [], [2], id="the one that does not work goes"),
        pytest.param(1, "nNN", [], [], id="one that does not work waits for the one below"),
        pytest.param(3, "ooo", [], [2], id="roll-out from the highest"),
        pytest.param(3, "oog", [], [], id="one after the other: going"),
        pytest.param(3, "oo-", [2], [], id="one after the other: gone"),
        pytest.param(3, "ooN", [], [], id="one after the other: not ready"),
        pytest.param(3, "oon", [], [1], id="the next to be replaced"),
        pytest.param(0, "o", [], [0], id="none"),
    ],
)
def test_in_order(
    stateful_set: Builder, pod: Builder, replicas: int, states: str, create: list[int], delete: list[int]
) -> None:
    two = revisions(stateful_set)
    plan = decide(stateful_set(replicas), two, pods(pod, two, states), blocked=lambda _: False, now=NOW)
    assert (numbers(plan.create), numbers(plan.delete)) == (create, delete)


@pytest.mark.parametrize(
    ("replicas", "states", "unavailable", "create", "delete"),
    [
        pytest.param(3, "nnn", 1, [], [], id="nothing to do"),
        pytest.param(3, "---", 1, [0, 1, 2], [], id="all at once"),
        pytest.param(3, "N-g", 1, [1], [], id="a name is free when its pod is gone"),
        pytest.param(1, "nnn", 1, [], [2, 1], id="all that are too many"),
        pytest.param(4, "oooo", 2, [], [3, 2], id="two are replaced at once"),
        pytest.param(4, "oooN", 2, [], [2], id="one of them is on its way"),
        pytest.param(4, "ooNN", 2, [], [], id="both are on their way"),
        pytest.param(4, "Oooo", 1, [], [0], id="one that does not work is replaced before more are lost"),
        pytest.param(4, "ffff", 1, [], [0, 1, 2, 3], id="all that failed"),
        pytest.param(4, "oooo", "50%", [], [3, 2], id="a share"),
        pytest.param(4, "oooo", "10%", [], [3], id="at least one"),
    ],
)
def test_in_parallel(
    stateful_set: Builder,
    pod: Builder,
    replicas: int,
    states: str,
    unavailable: int | str,
    create: list[int],
    delete: list[int],
) -> None:
    two = revisions(stateful_set)
    wanted = stateful_set(replicas, policy="Parallel", unavailable=unavailable)
    plan = decide(wanted, two, pods(pod, two, states), blocked=lambda _: False, now=NOW)
    assert (numbers(plan.create), numbers(plan.delete)) == (create, delete)


def test_below_the_partition_pods_stay_and_come_back_as_they_were(stateful_set: Builder, pod: Builder) -> None:
    two = revisions(stateful_set)
    wanted = stateful_set(3, policy="Parallel", unavailable=3)
    wanted.spec.updateStrategy.rollingUpdate.partition = 2
    plan = decide(wanted, two, pods(pod, two, "-oo"), blocked=lambda _: False, now=NOW)
    (made,) = plan.create
    assert made.spec.containers[0].image == "old"
    assert numbers(plan.delete) == [2]
    two_missing = decide(wanted, two, pods(pod, two, "oo-"), blocked=lambda _: False, now=NOW)
    assert two_missing.create[0].spec.containers[0].image == "new"


def test_on_delete_replaces_nothing_by_itself(stateful_set: Builder, pod: Builder) -> None:
    two = revisions(stateful_set)
    wanted = stateful_set(3)
    wanted.spec.updateStrategy.type = "OnDelete"
    assert not decide(wanted, two, pods(pod, two, "ooo"), blocked=lambda _: False, now=NOW).delete
    plan = decide(wanted, two, pods(pod, two, "oo-"), blocked=lambda _: False, now=NOW)
    assert plan.create[0].spec.containers[0].image == "new"


def test_a_pod_whose_claim_is_about_to_go_waits(stateful_set: Builder) -> None:
    two = revisions(stateful_set)
    assert not decide(stateful_set(1), two, [], blocked=lambda name: name == "web-0", now=NOW).create


def test_a_pod_counts_once_it_has_been_ready_for_long_enough(stateful_set: Builder, pod: Builder) -> None:
    two, wanted = revisions(stateful_set), stateful_set(2)
    wanted.spec.minReadySeconds = 30
    fresh = pods(pod, two, "n")
    fresh[0].status.conditions[0].lastTransitionTime.seconds = NOW - 10
    assert not decide(wanted, two, fresh, blocked=lambda _: False, now=NOW).create
    assert numbers(decide(wanted, two, fresh, blocked=lambda _: False, now=NOW + 20).create) == [1]


def test_a_rollout_that_is_through_makes_its_revision_the_current_one(stateful_set: Builder, pod: Builder) -> None:
    two, wanted = revisions(stateful_set), stateful_set(3)
    half = with_status(wanted, two, pods(pod, two, "onn"), collisions=0, now=NOW).status
    assert (half.currentReplicas, half.updatedReplicas, half.currentRevision) == (1, 2, two.current.metadata.name)
    done = with_status(wanted, two, pods(pod, two, "nnn"), collisions=0, now=NOW).status
    assert (done.currentReplicas, done.updatedReplicas, done.currentRevision) == (3, 3, two.update.metadata.name)


class Simulation:
    """A StatefulSet and its pods. A pod goes, or becomes ready, only when told to."""

    def __init__(self, wanted: Any, two: RolloutRevisions, pods: list[pod_pb2.Pod], make_pod: Builder) -> None:
        self.wanted, self.two, self._make_pod = wanted, two, make_pod
        self.present = {pod.metadata.name: pod for pod in pods}
        self.names = {f"web-{ordinal}" for ordinal in range(wanted.spec.replicas)}

    def up(self) -> set[str]:
        """The names of wanted pods that work."""
        return {name for name in self.names & self.present.keys() if is_available(self.wanted, self.present[name], NOW)}

    def step(self) -> bool:
        """True when there was something to do."""
        before = self.up()
        plan = decide(self.wanted, self.two, list(self.present.values()), blocked=lambda _: False, now=NOW)
        for pod in plan.delete:
            self.present[pod.metadata.name].metadata.deletionTimestamp.seconds = NOW
        for pod in plan.create:
            assert pod.metadata.name not in self.present, "two pods of one name"
            made = self._make_pod(pod.metadata.name, ready=False)
            made.metadata.labels[HASH_LABEL] = pod.metadata.labels[HASH_LABEL]
            self.present[pod.metadata.name] = made
        limit = self.wanted.spec.updateStrategy.rollingUpdate.maxUnavailable.intVal
        assert self.up() == before or len(self.up()) >= len(self.names) - limit, "too few pods are available"
        return bool(plan.create or plan.delete)

    def progress(self, number: int) -> bool:
        """True when, from the pod of that number on, one that goes was gone, or one became ready."""
        for pod in list(self.present.values())[number:]:
            if pod.metadata.HasField("deletionTimestamp"):
                del self.present[pod.metadata.name]
                return True
            if pod.status.phase == "Running" and pod.status.conditions[0].status != "True":
                pod.status.conditions[0].status = "True"
                return True
        return False


@settings(max_examples=200)
@given(
    states=st.text("onONgf-", max_size=8),
    replicas=st.integers(0, 6),
    policy=st.sampled_from(["OrderedReady", "Parallel"]),
    unavailable=st.integers(1, 3),
    partition=st.integers(0, 3),
    order=st.lists(st.integers(0, 5), max_size=60),
)
def test_from_any_state_it_gets_to_its_pods_without_ever_having_too_few(
    stateful_set: Any,
    pod: Any,
    states: str,
    replicas: int,
    policy: str,
    unavailable: int,
    partition: int,
    order: list[int],
) -> None:
    two = revisions(stateful_set)
    wanted = stateful_set(replicas, policy=policy, unavailable=unavailable)
    wanted.spec.updateStrategy.rollingUpdate.partition = partition
    cluster = Simulation(wanted, two, pods(pod, two, states), pod)
    for number in order:
        cluster.step()
        cluster.progress(number)
    for _ in range(200):
        if not cluster.step() and not cluster.progress(0):
            break
    assert cluster.present.keys() == cluster.names == cluster.up()
    for name, one in cluster.present.items():
        if int(name.removeprefix("web-")) >= partition:
            assert one.metadata.labels[HASH_LABEL] == two.update.metadata.name


@pytest.mark.parametrize(("age_s", "delete"), [(0, []), (1, [0]), (3600, [0])])
def test_what_ended_at_once_is_replaced_a_moment_later(
    stateful_set: Builder, pod: Builder, age_s: int, delete: list[int]
) -> None:
    """A node that refuses a pod refuses its successor too, as fast as it is made."""
    two = revisions(stateful_set)
    there = pods(pod, two, "fnn")
    there[0].metadata.creationTimestamp.seconds = NOW - age_s
    assert numbers(decide(stateful_set(replicas=3), two, there, blocked=lambda _: False, now=NOW).delete) == delete
