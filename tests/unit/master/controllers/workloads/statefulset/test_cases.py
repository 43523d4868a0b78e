"""Situations of StatefulSets, and what is done next in each.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from master.controllers.objects.ownership import reference_to
from master.controllers.workloads.controllerrevisions.decide import HASH_LABEL, new_revision
from master.controllers.workloads.statefulset.decide import RolloutRevisions, StatefulSetPlan, decide
from master.controllers.workloads.statefulset.identity import identity_labels, with_identity
from master.controllers.workloads.statefulset.retention import retained
from master.controllers.workloads.statefulset.status import with_status
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.core.v1 import pod_pb2, volume_pb2

NOW = 1_000_000
Builder = Callable[..., Any]


@dataclass(frozen=True)
class Wanted:
    """A StatefulSet. `start` is its first ordinal, `settle_s` its minReadySeconds."""

    replicas: int
    parallel: bool = False
    on_delete: bool = False
    partition: int | None = None
    unavailable: int | str | None = None
    start: int = 0
    settle_s: int = 0

    def made(self, make: Builder) -> StatefulSet:
        made: StatefulSet = make(
            self.replicas,
            image="new",
            policy="Parallel" if self.parallel else "OrderedReady",
            unavailable=self.unavailable,
        )
        if self.on_delete:
            made.spec.updateStrategy.Clear()
            made.spec.updateStrategy.type = "OnDelete"
        if self.partition is not None:
            made.spec.updateStrategy.rollingUpdate.partition = self.partition
        made.spec.ordinals.start = self.start
        made.spec.minReadySeconds = self.settle_s
        return made


@dataclass(frozen=True)
class Case:
    """`there` are its pods, a letter and an ordinal each: o(ld) or n(ew), O or N when not ready, y(oung: ready for
    10 s, new), p(ending), g(oing), f(ailed), s(ucceeded). `does`: `+3new` makes, `-2` deletes.
    """

    name: str
    wants: Wanted
    there: str
    does: str = ""


def revisions_of(make: Builder) -> RolloutRevisions:
    return RolloutRevisions(new_revision(make(image="old"), 1, 0), new_revision(make(image="new"), 2, 0))


def pods_of(make: Builder, two: RolloutRevisions, text: str) -> list[pod_pb2.Pod]:
    made = []
    for word in text.split():
        letter, ordinal = word[0], word[1:]
        pod = make(f"web-{ordinal}", ready=letter in "ony", going=letter == "g", app="web")
        pod.metadata.labels[HASH_LABEL] = (two.current if letter in "oO" else two.update).metadata.name
        pod.status.phase = {"f": "Failed", "s": "Succeeded", "p": "Pending"}.get(letter, "Running")
        if letter == "y":
            pod.status.conditions[0].lastTransitionTime.seconds = NOW - 10
        made.append(pod)
    return made


def done(plan: StatefulSetPlan) -> str:
    def ordinal(pod: pod_pb2.Pod) -> str:
        return pod.metadata.name.removeprefix("web-")

    made = [f"+{ordinal(pod)}{pod.spec.containers[0].image}" for pod in plan.create]
    return " ".join([*made, *(f"-{ordinal(pod)}" for pod in plan.delete)])


BEGINNINGS = [
    Case("one after the other", Wanted(3), "", "+0new"),
    Case("the second when the first works", Wanted(3), "n0", "+1new"),
    Case("not while it starts", Wanted(3), "p0"),
    Case("nor while it has not worked for long enough", Wanted(3, settle_s=30), "y0"),
    Case("then", Wanted(3, settle_s=10), "y0", "+1new"),
    Case("all at once", Wanted(3, parallel=True), "", "+0new +1new +2new"),
    Case("all at once, and nobody waits for the others", Wanted(3, parallel=True), "N0", "+1new +2new"),
    Case("a hole is filled first", Wanted(3), "n0 n2", "+1new"),
    Case("numbers begin where they should", Wanted(2, start=5), "", "+5new"),
    Case("and go on", Wanted(2, start=5), "n5", "+6new"),
    Case("no pods wanted, none made", Wanted(0), ""),
]
SCALING = [
    Case("the highest goes", Wanted(2), "n0 n1 n2 n3", "-3"),
    Case("one at a time", Wanted(2), "n0 n1 n2 g3"),
    Case("not while one that stays does not work", Wanted(2), "n0 N1 n2"),
    Case("a surplus one that failed goes", Wanted(2), "n0 n1 f2", "-2"),
    Case("all at once", Wanted(1, parallel=True), "n0 n1 n2", "-2 -1"),
    Case("also those that do not work", Wanted(1, parallel=True), "n0 N1 N2", "-2 -1"),
    Case("down to none, from the highest", Wanted(0), "n0 n1", "-1"),
    Case("the start moves up: the new first", Wanted(3, start=2), "n0 n1 n2", "+3new"),
    Case("then the old ones go", Wanted(3, start=2), "n0 n1 n2 n3 n4", "-1"),
    Case("the start moves down", Wanted(3, start=0), "n2 n3 n4", "+0new"),
    Case("a pod of a name that is going is waited for", Wanted(3, parallel=True), "n0 g1 n2"),
    Case("a failed pod makes place for the next", Wanted(3), "n0 f1 n2", "-1"),
    Case("so does one that ended well", Wanted(3), "n0 s1 n2", "-1"),
    Case("a failed pod that goes already is waited for", Wanted(2), "g0 n1"),
]
ROLLOUTS = [
    Case("from the highest", Wanted(3), "o0 o1 o2", "-2"),
    Case("the next when it works", Wanted(3), "o0 o1 n2", "-1"),
    Case("not before", Wanted(3), "o0 o1 N2"),
    Case("not before it has worked for long enough", Wanted(3, settle_s=30), "o0 o1 y2"),
    Case("then", Wanted(3, settle_s=10), "o0 o1 y2", "-1"),
    Case("it comes back with the new template", Wanted(3), "o0 o1", "+2new"),
    Case("an old one that was deleted comes back as a new one", Wanted(3), "o0 n2", "+1new"),
    Case("a rollout that broke stays where it is", Wanted(3), "o0 o1 N2"),
    Case("a broken old one holds it up in order", Wanted(3), "o0 O1 o2"),
    Case("in parallel it is what goes first", Wanted(3, parallel=True), "o0 O1 o2", "-1"),
    Case("above the partition alone", Wanted(3, partition=2), "o0 o1 o2", "-2"),
    Case("and no further", Wanted(3, partition=2), "o0 o1 n2"),
    Case("a partition as large as all rolls nothing out", Wanted(3, partition=3), "o0 o1 o2"),
    Case("below it a lost pod comes back as it was", Wanted(3, partition=2), "o0 n2", "+1old"),
    Case("above it as a new one", Wanted(3, partition=1), "o0 n2", "+1new"),
    Case("what is added below it is old", Wanted(4, partition=9), "o0 o1 o2", "+3old"),
    Case("the partition counts from the start", Wanted(3, start=5, partition=1), "o5 o6 o7", "-7"),
    Case("down to it", Wanted(3, start=5, partition=1), "o5 o6 n7", "-6"),
    Case("and no further from there", Wanted(3, start=5, partition=1), "o5 n6 n7"),
    Case("on delete nothing goes", Wanted(3, on_delete=True), "o0 o1 o2"),
    Case("on delete what is lost comes back new", Wanted(3, on_delete=True), "o0 o2", "+1new"),
    Case("two at a time", Wanted(4, parallel=True, unavailable=2), "o0 o1 o2 o3", "-3 -2"),
    Case("two at a time, one is on its way", Wanted(4, parallel=True, unavailable=2), "o0 o1 o2 N3", "-2"),
    Case("half of five is two", Wanted(5, parallel=True, unavailable="50%"), "o0 o1 o2 o3 o4", "-4 -3"),
    Case("a share that comes to nothing is one", Wanted(3, parallel=True, unavailable="10%"), "o0 o1 o2", "-2"),
    Case("scaling down comes before rolling out", Wanted(2), "o0 o1 o2", "-2"),
]


@pytest.mark.parametrize("case", [*BEGINNINGS, *SCALING, *ROLLOUTS], ids=lambda case: case.name)
def test_the_next_step(stateful_set: Builder, pod: Builder, case: Case) -> None:
    two = revisions_of(stateful_set)
    wants, there = case.wants.made(stateful_set), pods_of(pod, two, case.there)
    plan = decide(wants, two, there, blocked=lambda _: False, now=NOW)
    assert done(plan) == case.does


@pytest.mark.parametrize(
    ("scaled", "deleted", "ordinal", "owner"),
    [
        pytest.param("Retain", "Retain", 0, "", id="kept for ever"),
        pytest.param("Retain", "Retain", 5, "", id="kept for ever, also of a pod that is one too many"),
        pytest.param("Retain", "Delete", 0, "StatefulSet", id="goes with the set"),
        pytest.param("Retain", "Delete", 5, "StatefulSet", id="goes with the set, not with the pod"),
        pytest.param("Delete", "Retain", 0, "", id="kept while the pod is wanted"),
        pytest.param("Delete", "Retain", 5, "Pod", id="goes with a pod that is one too many"),
        pytest.param("Delete", "Delete", 0, "StatefulSet", id="of a wanted pod: goes with the set"),
        pytest.param("Delete", "Delete", 5, "Pod", id="of one too many: goes with the pod"),
    ],
)
@pytest.mark.parametrize("before", ["", "StatefulSet", "Pod"])
def test_with_whom_a_claim_goes(
    stateful_set: Builder, pod: Builder, scaled: str, deleted: str, ordinal: int, owner: str, before: str
) -> None:
    wants, mine = stateful_set(3, claims=("data",)), pod(f"web-{ordinal}", app="web")
    policy = wants.spec.persistentVolumeClaimRetentionPolicy
    policy.whenScaled, policy.whenDeleted = scaled, deleted
    claim = volume_pb2.PersistentVolumeClaim()
    claim.metadata.name = f"data-web-{ordinal}"
    owners = {"StatefulSet": wants, "Pod": mine}
    if before:
        claim.metadata.ownerReferences.append(reference_to(owners[before]))
    wanted = retained(wants, mine, claim)
    assert (wanted is None) == (before == owner)
    if wanted is not None:
        assert [one.kind for one in wanted.metadata.ownerReferences] == ([owner] if owner else [])


def test_a_pod_that_was_taken_in_gets_the_labels_of_its_identity(pod: Builder) -> None:
    stray = pod("web-3", app="web")
    wanted = with_identity(stray)
    assert wanted is not None
    assert wanted.metadata.labels == {"app": "web", **identity_labels("web-3")}
    assert with_identity(wanted) is None


@dataclass(frozen=True)
class Told:
    """`says` are replicas, ready, available, current, updated; `is_through`: the new template is the current one."""

    name: str
    wants: Wanted
    there: str
    says: Sequence[int]
    is_through: bool = False


TOLD = [
    Told("nothing there", Wanted(3), "", (0, 0, 0, 0, 0)),
    Told("as wanted", Wanted(3), "n0 n1 n2", (3, 3, 3, 3, 3), True),
    Told("half way", Wanted(3), "o0 o1 n2", (3, 3, 3, 2, 1)),
    Told("through but for one that starts", Wanted(3), "n0 n1 N2", (3, 2, 2, 0, 3)),
    Told("ready and not yet available", Wanted(2, settle_s=30), "n0 y1", (2, 2, 1, 2, 2), True),
    Told("on delete it is never through", Wanted(2, on_delete=True), "n0 n1", (2, 2, 2, 0, 2)),
    Told("one that goes is of no revision", Wanted(2), "n0 g1", (2, 1, 1, 0, 1)),
    Told("with a partition it is not through", Wanted(3, partition=2), "o0 o1 n2", (3, 3, 3, 2, 1)),
]


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told.name)
def test_what_it_says(stateful_set: Builder, pod: Builder, told: Told) -> None:
    two = revisions_of(stateful_set)
    wants, there = told.wants.made(stateful_set), pods_of(pod, two, told.there)
    said = with_status(wants, two, there, collisions=0, now=NOW).status
    counts = (said.replicas, said.readyReplicas, said.availableReplicas, said.currentReplicas, said.updatedReplicas)
    assert counts == told.says
    assert (said.currentRevision == two.update.metadata.name) == told.is_through
