"""Situations of rollouts, and the one step that is taken in each.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from master.controllers.workloads.deployment.annotations import DESIRED, MAXIMUM
from master.controllers.workloads.deployment.bounds import max_surge
from master.controllers.workloads.deployment.decide import DeploymentPlan, decide
from podlab.api.objects import condition
from podlab.api.selection.labels import REVISION_ANNOTATION
from podlab.apps.v1 import deployment_pb2, replicaset_pb2

NOW = 1_000_000
Builder = Callable[..., Any]


CONDITION_STATUS = {"ProgressDeadlineExceeded": "False", "DeploymentPaused": "Unknown"}
"""Of Progressing, by its reason; of all other reasons it is True."""


@dataclass(frozen=True)
class Wanted:
    """A Deployment of so many pods of a template. `said` is the reason of its condition Progressing, since `ago_s`."""

    template: str
    replicas: int
    surge: int | str = 0
    unavailable: int | str = 0
    recreate: bool = False
    paused: bool = False
    history: int = 10
    said: str = ""
    ago_s: int = 0

    def made(self, make: Builder) -> deployment_pb2.Deployment:
        made: deployment_pb2.Deployment = make(
            self.replicas, image=self.template, surge=self.surge, unavailable=self.unavailable
        )
        if self.recreate:
            made.spec.strategy.Clear()
            made.spec.strategy.type = "Recreate"
        made.spec.paused = self.paused
        made.spec.revisionHistoryLimit = self.history
        if self.said:
            status = CONDITION_STATUS.get(self.said, "True")
            told = made.status.conditions.add(type="Progressing", status=status, reason=self.said)
            told.lastUpdateTime.seconds = told.lastTransitionTime.seconds = NOW - self.ago_s
            made.status.observedGeneration = 1
        return made


@dataclass(frozen=True)
class Present:
    """A ReplicaSet of so many pods of a template, of which `present` are there and `available` work: by default all.

    `was` and `most` are the size that it was scaled for, by default that of the Deployment.
    """

    template: str
    replicas: int
    present: int | None = None
    available: int | None = None
    was: int | None = None
    most: int | None = None
    revision: int | None = None
    going: bool = False
    failure: str = ""

    def made(self, make: Builder, age: int, of: deployment_pb2.Deployment) -> replicaset_pb2.ReplicaSet:
        present = self.replicas if self.present is None else self.present
        available = present if self.available is None else self.available
        made: replicaset_pb2.ReplicaSet = make(
            self.template, self.replicas, image=self.template, present=present, available=available
        )
        made.metadata.creationTimestamp.seconds = NOW - 1000 + age
        was = of.spec.replicas if self.was is None else self.was
        made.metadata.annotations[DESIRED] = str(was)
        made.metadata.annotations[MAXIMUM] = str(was + max_surge(of) if self.most is None else self.most)
        made.metadata.annotations[REVISION_ANNOTATION] = str(age + 1 if self.revision is None else self.revision)
        if self.going:
            made.metadata.deletionTimestamp.seconds = NOW
        if self.failure:
            made.status.conditions.add(type="ReplicaFailure", status="True", reason=self.failure)
        return made


@dataclass(frozen=True)
class Case:
    """`there` are the ReplicaSets, the oldest first.

    `does` is what becomes of them: `+v2=3` is made, `v1=5` is scaled, `-v0` is deleted. `told` are reasons that the
    Deployment's conditions then have.
    """

    name: str
    wants: Wanted
    there: Sequence[Present]
    does: str = ""
    told: str = ""


def done(plan: DeploymentPlan, before: dict[str, int]) -> str:
    made = [f"+{plan.create.spec.template.spec.containers[0].image}={plan.create.spec.replicas}"] if plan.create else []
    scaled = [
        f"{one.metadata.name}={one.spec.replicas}"
        for one in plan.update
        if one.spec.replicas != before[one.metadata.name]
    ]
    return " ".join([*made, *sorted(scaled), *(f"-{one.metadata.name}" for one in plan.delete)])


ROLLING = [
    Case("the first ReplicaSet has all pods at once", Wanted("v1", 10), [], "+v1=10"),
    Case("a new one begins with the room of the surge", Wanted("v2", 10, surge=3), [Present("v1", 10)], "+v2=3"),
    Case("and with nothing where there is none", Wanted("v2", 10, unavailable=2), [Present("v1", 10)], "+v2=0"),
    Case("then old pods make place", Wanted("v2", 10, unavailable=2), [Present("v1", 10), Present("v2", 0)], "v1=8"),
    Case("which the new ones take", Wanted("v2", 10, unavailable=2), [Present("v1", 8), Present("v2", 0)], "v2=2"),
    Case("once they are gone", Wanted("v2", 10, unavailable=2), [Present("v1", 8, present=10), Present("v2", 0)]),
    Case(
        "new pods that do not work yet hold up the rest",
        Wanted("v2", 10, unavailable=2),
        [Present("v1", 8), Present("v2", 2, available=0)],
    ),
    Case(
        "new pods that work let old ones go",
        Wanted("v2", 10, unavailable=2),
        [Present("v1", 8), Present("v2", 2)],
        "v1=6",
    ),
    Case(
        "surge alone: old pods go when new ones work",
        Wanted("v2", 10, surge=2),
        [Present("v1", 10), Present("v2", 2)],
        "v1=8",
    ),
    Case(
        "surge alone: and not before",
        Wanted("v2", 10, surge=2),
        [Present("v1", 10), Present("v2", 2, available=1)],
        "v1=9",
    ),
    Case(
        "a surge of a quarter of ten is three",
        Wanted("v2", 10, surge="25%", unavailable="25%"),
        [Present("v1", 10)],
        "+v2=3",
    ),
    Case(
        "a quarter of ten may be missing is two",
        Wanted("v2", 10, surge="25%", unavailable="25%"),
        [Present("v1", 10), Present("v2", 3, available=0)],
        "v1=8",
    ),
    Case(
        "a share that comes to nothing lets one go",
        Wanted("v2", 3, surge="0%", unavailable="10%"),
        [Present("v1", 3), Present("v2", 0)],
        "v1=2",
    ),
    Case("all at once", Wanted("v2", 4, surge="100%", unavailable="100%"), [Present("v1", 4)], "+v2=4"),
    Case(
        "all may be missing",
        Wanted("v2", 4, surge="100%", unavailable="100%"),
        [Present("v1", 4), Present("v2", 4, available=0)],
        "v1=0",
    ),
    Case(
        "old pods that do not work go first, and free",
        Wanted("v2", 10, unavailable=2),
        [Present("v1", 10, available=8), Present("v2", 0)],
        "v1=8",
    ),
    Case(
        "of the oldest first",
        Wanted("v3", 10, unavailable=2),
        [Present("v1", 5, available=4), Present("v2", 5, available=3), Present("v3", 0)],
        "v1=4 v2=4",
    ),
    Case(
        "a broken rollout keeps the old pods",
        Wanted("v2", 4, surge=1, unavailable=1),
        [Present("v1", 3), Present("v2", 2, available=0)],
    ),
    Case("the last old pod goes", Wanted("v2", 3, surge=1), [Present("v1", 1), Present("v2", 3)], "v1=0"),
    Case(
        "nothing to do",
        Wanted("v2", 3, surge=1),
        [Present("v1", 0), Present("v2", 3)],
        told="NewReplicaSetAvailable MinimumReplicasAvailable",
    ),
    Case(
        "another template in the middle of a rollout",
        Wanted("v3", 10, surge=2),
        [Present("v1", 5), Present("v2", 5, available=3)],
        "+v3=2",
    ),
    Case(
        "takes the unready pods of the one before first",
        Wanted("v3", 10, surge=2, unavailable=2),
        [Present("v1", 5), Present("v2", 5, available=3), Present("v3", 2, available=0)],
        "v2=3",
    ),
    Case(
        "back to the first in the middle of a rollout",
        Wanted("v1", 10, surge=2),
        [Present("v1", 5), Present("v2", 5)],
        "v1=7",
    ),
    Case("nothing to roll out to no pods", Wanted("v2", 0, surge=1), [Present("v1", 0, was=0)], "+v2=0"),
]
SCALING = [
    Case("up", Wanted("v1", 12), [Present("v1", 10, was=10)], "v1=12"),
    Case("down", Wanted("v1", 5), [Present("v1", 10, was=10)], "v1=5"),
    Case(
        "to none in the middle of a rollout",
        Wanted("v3", 0),
        [Present("v1", 1, was=6), Present("v2", 2, was=6), Present("v3", 3, was=6)],
        "v1=0 v2=0 v3=0",
    ),
    Case(
        "from none the new one takes all",
        Wanted("v3", 6),
        [Present("v1", 0, was=0), Present("v2", 0, was=0), Present("v3", 0, was=0)],
        "v3=6",
    ),
    Case("twofold", Wanted("v2", 10), [Present("v1", 3, was=5), Present("v2", 2, was=5)], "v1=6 v2=4"),
    Case("down by two", Wanted("v2", 3), [Present("v1", 3, was=5), Present("v2", 2, was=5)], "v1=2 v2=1"),
    Case(
        "down to less than the new one has",
        Wanted("v2", 4),
        [Present("v1", 1, was=9), Present("v2", 8, was=9)],
        "v1=0 v2=4",
    ),
    Case(
        "up with three",
        Wanted("v3", 10),
        [Present("v1", 2, was=7), Present("v2", 3, was=7), Present("v3", 2, was=7)],
        "v1=3 v2=4 v3=3",
    ),
    Case(
        "down with three",
        Wanted("v3", 8),
        [Present("v1", 3, was=13), Present("v2", 8, was=13), Present("v3", 2, was=13)],
        "v1=2 v2=5 v3=1",
    ),
    Case(
        "what is left over goes to the newest",
        Wanted("v3", 4),
        [Present("v1", 1, was=3), Present("v2", 1, was=3), Present("v3", 1, was=3)],
        "v3=2",
    ),
    Case(
        "what is lacking goes off the oldest",
        Wanted("v3", 2),
        [Present("v1", 1, was=3), Present("v2", 1, was=3), Present("v3", 1, was=3)],
        "v1=0",
    ),
    Case(
        "while no new one is there yet",
        Wanted("v3", 5, paused=True),
        [Present("v1", 2, was=4), Present("v2", 2, was=4)],
        "v2=3",
    ),
    Case(
        "size and template at once: first the size",
        Wanted("v3", 14),
        [Present("v1", 3, was=10), Present("v2", 7, was=10)],
        "v1=4 v2=10",
    ),
    Case(
        "with a surge",
        Wanted("v2", 20, surge=2),
        [Present("v1", 6, was=10, most=12), Present("v2", 6, was=10, most=12)],
        "v1=11 v2=11",
    ),
    Case(
        "size and surge at once",
        Wanted("v2", 50, surge=6),
        [Present("v1", 8, was=10, most=13), Present("v2", 5, was=10, most=13)],
        "v1=34 v2=22",
    ),
    Case(
        "a write that was lost is made up for",
        Wanted("v3", 5),
        [Present("v1", 1), Present("v2", 1, was=3), Present("v3", 2)],
        "v2=2",
    ),
    Case(
        "a full new one that is broken costs no old pod",
        Wanted("v2", 2, surge=1, unavailable=1, paused=True),
        [Present("v1", 1), Present("v2", 2, available=0)],
    ),
    Case(
        "a full new one that works needs no old ones",
        Wanted("v2", 2, paused=True),
        [Present("v1", 1), Present("v2", 2)],
        "v1=0",
    ),
]
PAUSES = [
    Case(
        "a pause makes no ReplicaSet",
        Wanted("v2", 3, paused=True),
        [Present("v1", 3)],
        told="DeploymentPaused MinimumReplicasAvailable",
    ),
    Case(
        "nor does it roll",
        Wanted("v2", 10, surge=2, paused=True),
        [Present("v1", 8), Present("v2", 4)],
        told="DeploymentPaused MinimumReplicasAvailable",
    ),
    Case("it scales the only one", Wanted("v2", 5, paused=True), [Present("v1", 3, was=3)], "v1=5"),
    Case(
        "a Deployment that begins paused",
        Wanted("v1", 3, paused=True),
        [],
        told="DeploymentPaused MinimumReplicasUnavailable",
    ),
    Case(
        "a pause does not hide that it was stuck",
        Wanted("v2", 3, paused=True, said="ProgressDeadlineExceeded"),
        [Present("v1", 3)],
        told="ProgressDeadlineExceeded MinimumReplicasAvailable",
    ),
    Case(
        "it clears old ones away", Wanted("v2", 3, paused=True, history=0), [Present("v0", 0), Present("v1", 3)], "-v0"
    ),
    Case(
        "a resumption goes on",
        Wanted("v2", 3, surge=1, said="DeploymentPaused", ago_s=5000),
        [Present("v1", 3)],
        "+v2=1",
        "NewReplicaSetCreated MinimumReplicasAvailable",
    ),
    Case(
        "and its deadline begins anew",
        Wanted("v2", 3, surge=1, said="DeploymentPaused", ago_s=5000),
        [Present("v1", 3), Present("v2", 1, available=0)],
        told="DeploymentResumed MinimumReplicasAvailable",
    ),
]
DEADLINES = [
    Case(
        "stuck",
        Wanted("v2", 3, surge=1, said="NewReplicaSetCreated", ago_s=601),
        [Present("v1", 3), Present("v2", 1, available=0)],
        told="ProgressDeadlineExceeded MinimumReplicasAvailable",
    ),
    Case(
        "not yet",
        Wanted("v2", 3, surge=1, said="NewReplicaSetCreated", ago_s=600),
        [Present("v1", 3), Present("v2", 1, available=0)],
        told="NewReplicaSetCreated MinimumReplicasAvailable",
    ),
    Case(
        "stuck stays stuck",
        Wanted("v2", 3, surge=1, said="ProgressDeadlineExceeded", ago_s=9),
        [Present("v1", 3), Present("v2", 1, available=0)],
        told="ProgressDeadlineExceeded MinimumReplicasAvailable",
    ),
    Case(
        "what is done is never late",
        Wanted("v1", 3, said="NewReplicaSetAvailable", ago_s=9999),
        [Present("v1", 3, available=1)],
        told="NewReplicaSetAvailable MinimumReplicasUnavailable",
    ),
    Case(
        "late, and done after all",
        Wanted("v2", 3, surge=1, said="ProgressDeadlineExceeded", ago_s=9),
        [Present("v1", 0), Present("v2", 3)],
        told="NewReplicaSetAvailable MinimumReplicasAvailable",
    ),
    Case(
        "a failure of the new one is told",
        Wanted("v2", 3, surge=1, said="NewReplicaSetCreated"),
        [Present("v1", 3), Present("v2", 1, present=0, failure="FailedCreate")],
        told="NewReplicaSetCreated MinimumReplicasAvailable FailedCreate",
    ),
    Case(
        "and goes when it does",
        Wanted("v2", 3, surge=1, said="NewReplicaSetCreated"),
        [Present("v1", 3), Present("v2", 1, available=0)],
        told="NewReplicaSetCreated MinimumReplicasAvailable",
    ),
]
RECREATION = [
    Case("old pods go first", Wanted("v2", 3, recreate=True), [Present("v1", 3)], "v1=0"),
    Case("of all old ones", Wanted("v3", 3, recreate=True), [Present("v1", 1), Present("v2", 2)], "v1=0 v2=0"),
    Case("scaling comes first", Wanted("v1", 5, recreate=True), [Present("v1", 3, was=3)], "v1=5"),
]
HISTORY = [
    Case(
        "as many as are kept",
        Wanted("v4", 3, history=2),
        [Present("v1", 0), Present("v2", 0), Present("v3", 0), Present("v4", 3)],
        "-v1",
    ),
    Case("none is kept", Wanted("v3", 3, history=0), [Present("v1", 0), Present("v2", 0), Present("v3", 3)], "-v1 -v2"),
    Case(
        "the revision counts, not the age",
        Wanted("v3", 3, history=1),
        [Present("v1", 0, revision=9), Present("v2", 0, revision=2), Present("v3", 3)],
        "-v2",
    ),
    Case(
        "one with pods stays",
        Wanted("v3", 3, history=0),
        [Present("v1", 0, present=1), Present("v2", 0), Present("v3", 3)],
    ),
    Case(
        "one that goes already is no news", Wanted("v2", 3, history=0), [Present("v1", 0, going=True), Present("v2", 3)]
    ),
    Case(
        "not before the rollout is through",
        Wanted("v3", 3, surge=1, history=0),
        [Present("v1", 0), Present("v2", 1), Present("v3", 3, available=2)],
    ),
]


@pytest.mark.parametrize(
    "case", [*ROLLING, *SCALING, *PAUSES, *DEADLINES, *RECREATION, *HISTORY], ids=lambda case: case.name
)
def test_the_next_step(deployment: Builder, replica_set: Builder, case: Case) -> None:
    wants = case.wants.made(deployment)
    there = [each.made(replica_set, age, wants) for age, each in enumerate(case.there)]
    if wants.status.conditions:  # what it says of its pods is not news
        for count in ("replicas", "readyReplicas", "availableReplicas"):
            setattr(wants.status, count, sum(getattr(one.status, count) for one in there))
        wants.status.updatedReplicas = sum(
            one.status.replicas for one in there if one.metadata.name == case.wants.template
        )
    plan = decide(wants, there, pods_of_old_left=any(one.status.replicas for one in there), now=NOW)
    assert done(plan, {one.metadata.name: one.spec.replicas for one in there}) == case.does
    if case.told:
        found = [condition(plan.status.conditions, name) for name in ("Progressing", "Available", "ReplicaFailure")]
        assert " ".join(one.reason for one in found if one is not None) == case.told
