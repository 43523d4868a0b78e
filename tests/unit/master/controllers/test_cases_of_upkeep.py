"""Situations of the smaller controllers: budgets, evictions by taints, pods and Jobs that have ended, ReplicaSets.

From what Kubernetes documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from master.controllers.garbagecollection.podgc import beyond_limit
from master.controllers.nodes.tainteviction.decide import evicting, leave_at
from master.controllers.workloads.disruption.decide import UnknownScale, WorkloadScale, decide
from master.controllers.workloads.replicaset.decide import decide as decide_pods
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2
from podlab.policy.v1.poddisruptionbudget_pb2 import PodDisruptionBudget

NOW = 1_000_000
Builder = Callable[..., Any]


def pods_of(make: Builder, text: str) -> list[pod_pb2.Pod]:
    """A letter a pod: r(eady), u(nready), p(ending), w(aiting without a node), g(oing), f(ailed)."""
    made = []
    for number, letter in enumerate(text):
        looks: dict[str, Any] = {"ready": letter in "rg", "going": letter == "g"}
        looks["phase"] = {"p": "Pending", "w": "Pending", "f": "Failed"}.get(letter, "Running")
        made.append(make(f"web-{number}", node="" if letter == "w" else "n1", **looks))
    return made


@dataclass(frozen=True)
class Budget:
    """`bound` is `min=2` or `max=50%`; `scales` are how many pods their workloads want, a pod each from the first on.

    `allows` how many may go, `needs` how many must be healthy.
    """

    name: str
    bound: str
    pods: str
    scales: Sequence[int | str | None]
    allows: int
    needs: int
    reason: str = ""


BUDGETS = [
    Budget("a number counts pods alone", "min=2", "rrr", [None, None, None], 1, 2),
    Budget("also of those that nothing scales", "min=1", "rr", [None, None], 1, 1),
    Budget("a share of what is wanted", "min=50%", "rrrr", [4, 4, 4, 4], 2, 2),
    Budget("rounded up", "min=50%", "rrr", [3, 3, 3], 1, 2),
    Budget("of what is wanted, although less is there", "min=50%", "rr", [4, 4], 0, 2),
    Budget("one may be missing, and one is", "max=1", "rru", [3, 3, 3], 0, 2),
    Budget("one may be missing, and none is", "max=1", "rrr", [3, 3, 3], 1, 2),
    Budget("half may be missing, rounded up", "max=50%", "rrr", [3, 3, 3], 2, 1),
    Budget("all may be missing", "max=100%", "rrr", [3, 3, 3], 3, 0),
    Budget("none may be missing", "max=0", "rrr", [3, 3, 3], 0, 3),
    Budget("one that goes is missing", "max=1", "rrg", [3, 3, 3], 0, 2),
    Budget("scaled up and not there yet", "max=1", "rr", [5, 5], 0, 4),
    Budget("more than are wanted", "max=1", "rrrr", [3, 3, 3, 3], 2, 2),
    Budget("some that nothing scales do not count as wanted", "max=1", "rr", [1, None], 2, 0),
    Budget("what has no scale allows nothing", "max=1", "rr", ["no scale", "no scale"], 0, 0, "SyncFailed"),
    Budget("no pods", "max=1", "", [], 0, 0),
    Budget("nothing works", "min=1", "uuu", [3, 3, 3], 0, 1),
]


@pytest.mark.parametrize("case", BUDGETS, ids=lambda case: case.name)
def test_how_many_may_go(pod: Builder, case: Budget) -> None:
    side, _, value = case.bound.partition("=")
    budget = PodDisruptionBudget(metadata=meta_pb2.ObjectMeta(name="b", namespace="default"))
    bound = budget.spec.minAvailable if side == "min" else budget.spec.maxUnavailable
    bound.CopyFrom(
        meta_pb2.IntOrString(type=1, strVal=value) if "%" in value else meta_pb2.IntOrString(intVal=int(value))
    )
    pods = pods_of(pod, case.pods)
    scales = {
        one.metadata.uid: UnknownScale(wanted)
        if isinstance(wanted, str)
        else None
        if wanted is None
        else WorkloadScale("uid-web", wanted)
        for one, wanted in zip(pods, case.scales, strict=True)
    }
    status = decide(budget, pods, scales, NOW).status
    assert (status.disruptionsAllowed, status.desiredHealthy) == (case.allows, case.needs)
    expected = case.reason or ("SufficientPods" if case.allows else "InsufficientPods")
    assert [one.reason for one in status.conditions] == [expected]


@dataclass(frozen=True)
class Stay:
    """`taints` are `key=value:Effect`; `tolerates` the same with `@seconds`, `*` for Exists. `leaves` after so long."""

    name: str
    taints: Sequence[str]
    tolerates: Sequence[str] = ()
    leaves: int | None = None


STAYS = [
    Stay("no taint", []),
    Stay("not tolerated", ["k=v:NoExecute"], leaves=0),
    Stay("keeps out and does not evict", ["k=v:NoSchedule"]),
    Stay("tolerated for good", ["k=v:NoExecute"], ["k=v:NoExecute"]),
    Stay("of any effect", ["k=v:NoExecute"], ["k=v:"]),
    Stay("of any value", ["k=v:NoExecute"], ["k=*:NoExecute"]),
    Stay("of any key", ["k=v:NoExecute", "l=w:NoExecute"], ["=*:"]),
    Stay("of another value", ["k=v:NoExecute"], ["k=w:NoExecute"], 0),
    Stay("of another effect", ["k=v:NoExecute"], ["k=v:NoSchedule"], 0),
    Stay("for a while", ["k=v:NoExecute"], ["k=v:NoExecute@300"], 300),
    Stay("for no time", ["k=v:NoExecute"], ["k=v:NoExecute@0"], 0),
    Stay("the shorter of two whiles", ["k=v:NoExecute"], ["k=v:NoExecute@300", "k=*:@60"], 60),
    Stay("the shorter of two taints", ["k=v:NoExecute", "l=w:NoExecute"], ["k=*:@300", "l=*:@60"], 60),
    Stay("one for good, one for a while", ["k=v:NoExecute", "l=w:NoExecute"], ["k=*:", "l=*:@60"], 60),
    Stay("one of two is not tolerated", ["k=v:NoExecute", "l=w:NoExecute"], ["k=*:@300"], 0),
    Stay("a while that does not concern it", ["k=v:NoExecute"], ["k=v:", "l=*:@5"]),
]


@pytest.mark.parametrize("case", STAYS, ids=lambda case: case.name)
def test_how_long_a_pod_stays(node: Builder, case: Stay) -> None:
    where = node()
    for text in case.taints:
        rest, _, effect = text.partition(":")
        key, _, value = rest.partition("=")
        where.spec.taints.add(key=key, value=value, effect=effect)
    accepted = []
    for text in case.tolerates:
        words, _, seconds = text.partition("@")
        rest, _, effect = words.partition(":")
        key, _, value = rest.partition("=")
        given = pod_pb2.Toleration(key=key, effect=effect, operator="Exists" if value == "*" else "Equal")
        if value != "*":
            given.value = value
        if seconds:
            given.tolerationSeconds = int(seconds)
        accepted.append(given)
    leaves = leave_at(accepted, evicting(where), lambda _: NOW)
    assert (None if leaves is None else max(0, leaves - NOW)) == case.leaves


@pytest.mark.parametrize(
    ("wanted", "there", "create", "delete"),
    [
        pytest.param(3, "", 3, "", id="all are missing"),
        pytest.param(3, "rrf", 1, "", id="one failed"),
        pytest.param(3, "rrg", 1, "", id="one goes"),
        pytest.param(2, "rrr", 0, "r", id="one too many"),
        pytest.param(2, "rru", 0, "u", id="one that does not work goes first"),
        pytest.param(2, "rrp", 0, "p", id="one that starts goes first"),
        pytest.param(2, "rpwu", 0, "wp", id="one without a node goes before all"),
        pytest.param(0, "rup", 0, "rup", id="none is wanted"),
        pytest.param(1, "fffr", 0, "", id="those that ended are in nobody's way"),
    ],
)
def test_which_pods_come_and_go(
    replica_set: Builder, pod: Builder, wanted: int, there: str, create: int, delete: str
) -> None:
    pods = pods_of(pod, there)
    plan = decide_pods(replica_set(replicas=wanted), pods, pods, NOW)
    letters = {one.metadata.uid: letter for one, letter in zip(pods, there, strict=True)}
    assert plan.create == create
    assert sorted(letters[one.metadata.uid] for one in plan.delete) == sorted(delete)


@pytest.mark.parametrize(("limit", "gone"), [(9, []), (3, []), (2, [0]), (0, [0, 1, 2])])
def test_the_oldest_of_what_ended_go(pod: Builder, limit: int, gone: list[int]) -> None:
    ended = [pod(phase="Failed", created=NOW + age) for age in range(3)]
    assert beyond_limit(list(reversed(ended)), limit) == [ended[number] for number in gone]
