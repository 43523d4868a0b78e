"""Situations of rollouts, and the one step that is taken in each.

From what Kubernetes documents: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from master.controllers.workloads.deployment.annotations import DESIRED, MAXIMUM, REVISION
from master.controllers.workloads.deployment.bounds import max_surge
from master.controllers.workloads.deployment.decide import DeploymentPlan, decide
from podlab.api.objects import condition
from podlab.apps.v1 import deployment_pb2, replicaset_pb2

NOW = 1_000_000
Builder = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """`wants` is a Deployment: `v2 10 surge=3 unavailable=2`, its template, size, and words as in `deployment_of`.

    `there` are its ReplicaSets, the oldest first: `v1 8 available=7`, with words as in `replica_set_of`. `does` is
    what becomes of them: `+v2=3` is made, `v1=5` is scaled, `-v0` is deleted. `told` are reasons that its conditions
    then have.
    """

    name: str
    wants: str
    there: Sequence[str]
    does: str = ""
    told: str = ""


def words_of(text: str) -> tuple[str, int, dict[str, str]]:
    template, size, *words = text.split()
    return template, int(size), {key: value for key, _, value in (word.partition("=") for word in words)}


def deployment_of(make: Builder, text: str) -> deployment_pb2.Deployment:
    """Words: surge, unavailable, recreate, paused, history, said (the reason of Progressing) with ago (seconds)."""
    template, size, words = words_of(text)
    bounds = {name: words.get(name, "0") for name in ("surge", "unavailable")}
    shares = {name: value if value.endswith("%") else int(value) for name, value in bounds.items()}
    made: deployment_pb2.Deployment = make(size, image=template, **shares)
    if "recreate" in words:
        made.spec.strategy.Clear()
        made.spec.strategy.type = "Recreate"
    made.spec.paused = "paused" in words
    made.spec.revisionHistoryLimit = int(words.get("history", 10))
    if "said" in words:
        value = {"ProgressDeadlineExceeded": "False", "DeploymentPaused": "Unknown"}.get(words["said"], "True")
        told = made.status.conditions.add(type="Progressing", status=value, reason=words["said"])
        told.lastUpdateTime.seconds = told.lastTransitionTime.seconds = NOW - int(words.get("ago", 0))
        made.status.observedGeneration = 1
    return made


def replica_set_of(make: Builder, text: str, age: int, of: deployment_pb2.Deployment) -> replicaset_pb2.ReplicaSet:
    """Words: available and present (as many as wanted), revision, was and most (the size it was scaled for)."""
    template, size, words = words_of(text)
    present = int(words.get("present", size))
    made: replicaset_pb2.ReplicaSet = make(
        template, size, image=template, present=present, available=int(words.get("available", present))
    )
    made.metadata.creationTimestamp.seconds = NOW - 1000 + age
    was = int(words.get("was", of.spec.replicas))
    made.metadata.annotations[DESIRED] = str(was)
    made.metadata.annotations[MAXIMUM] = words.get("most", str(was + max_surge(of)))
    made.metadata.annotations[REVISION] = words.get("revision", str(age + 1))
    if "going" in words:
        made.metadata.deletionTimestamp.seconds = NOW
    if "failure" in words:
        made.status.conditions.add(type="ReplicaFailure", status="True", reason=words["failure"])
    return made


def done(plan: DeploymentPlan, before: dict[str, int]) -> str:
    made = [f"+{plan.create.spec.template.spec.containers[0].image}={plan.create.spec.replicas}"] if plan.create else []
    scaled = [
        f"{one.metadata.name}={one.spec.replicas}"
        for one in plan.update
        if one.spec.replicas != before[one.metadata.name]
    ]
    return " ".join([*made, *sorted(scaled), *(f"-{one.metadata.name}" for one in plan.delete)])


ROLLING = [
    Case("the first ReplicaSet has all pods at once", "v1 10", [], "+v1=10"),
    Case("a new one begins with the room of the surge", "v2 10 surge=3", ["v1 10"], "+v2=3"),
    Case("and with nothing where there is none", "v2 10 unavailable=2", ["v1 10"], "+v2=0"),
    Case("then old pods make place", "v2 10 unavailable=2", ["v1 10", "v2 0"], "v1=8"),
    Case("which the new ones take", "v2 10 unavailable=2", ["v1 8", "v2 0"], "v2=2"),
    Case("once they are gone", "v2 10 unavailable=2", ["v1 8 present=10", "v2 0"]),
    Case("new pods that do not work yet hold up the rest", "v2 10 unavailable=2", ["v1 8", "v2 2 available=0"]),
    Case("new pods that work let old ones go", "v2 10 unavailable=2", ["v1 8", "v2 2"], "v1=6"),
    Case("surge alone: old pods go when new ones work", "v2 10 surge=2", ["v1 10", "v2 2"], "v1=8"),
    Case("surge alone: and not before", "v2 10 surge=2", ["v1 10", "v2 2 available=1"], "v1=9"),
    Case("a surge of a quarter of ten is three", "v2 10 surge=25% unavailable=25%", ["v1 10"], "+v2=3"),
    Case(
        "a quarter of ten may be missing is two",
        "v2 10 surge=25% unavailable=25%",
        ["v1 10", "v2 3 available=0"],
        "v1=8",
    ),
    Case("a share that comes to nothing lets one go", "v2 3 surge=0% unavailable=10%", ["v1 3", "v2 0"], "v1=2"),
    Case("all at once", "v2 4 surge=100% unavailable=100%", ["v1 4"], "+v2=4"),
    Case("all may be missing", "v2 4 surge=100% unavailable=100%", ["v1 4", "v2 4 available=0"], "v1=0"),
    Case(
        "old pods that do not work go first, and free",
        "v2 10 unavailable=2",
        ["v1 10 available=8", "v2 0"],
        "v1=8",
    ),
    Case(
        "of the oldest first",
        "v3 10 unavailable=2",
        ["v1 5 available=4", "v2 5 available=3", "v3 0"],
        "v1=4 v2=4",
    ),
    Case("a broken rollout keeps the old pods", "v2 4 surge=1 unavailable=1", ["v1 3", "v2 2 available=0"]),
    Case("the last old pod goes", "v2 3 surge=1", ["v1 1", "v2 3"], "v1=0"),
    Case("nothing to do", "v2 3 surge=1", ["v1 0", "v2 3"], told="NewReplicaSetAvailable MinimumReplicasAvailable"),
    Case("another template in the middle of a rollout", "v3 10 surge=2", ["v1 5", "v2 5 available=3"], "+v3=2"),
    Case(
        "takes the unready pods of the one before first",
        "v3 10 surge=2 unavailable=2",
        ["v1 5", "v2 5 available=3", "v3 2 available=0"],
        "v2=3",
    ),
    Case("back to the first in the middle of a rollout", "v1 10 surge=2", ["v1 5", "v2 5"], "v1=7"),
    Case("nothing to roll out to no pods", "v2 0 surge=1", ["v1 0 was=0"], "+v2=0"),
]
SCALING = [
    Case("up", "v1 12", ["v1 10 was=10"], "v1=12"),
    Case("down", "v1 5", ["v1 10 was=10"], "v1=5"),
    Case("to none in the middle of a rollout", "v3 0", ["v1 1 was=6", "v2 2 was=6", "v3 3 was=6"], "v1=0 v2=0 v3=0"),
    Case("from none the new one takes all", "v3 6", ["v1 0 was=0", "v2 0 was=0", "v3 0 was=0"], "v3=6"),
    Case("twofold", "v2 10", ["v1 3 was=5", "v2 2 was=5"], "v1=6 v2=4"),
    Case("down by two", "v2 3", ["v1 3 was=5", "v2 2 was=5"], "v1=2 v2=1"),
    Case("down to less than the new one has", "v2 4", ["v1 1 was=9", "v2 8 was=9"], "v1=0 v2=4"),
    Case("up with three", "v3 10", ["v1 2 was=7", "v2 3 was=7", "v3 2 was=7"], "v1=3 v2=4 v3=3"),
    Case("down with three", "v3 8", ["v1 3 was=13", "v2 8 was=13", "v3 2 was=13"], "v1=2 v2=5 v3=1"),
    Case("what is left over goes to the newest", "v3 4", ["v1 1 was=3", "v2 1 was=3", "v3 1 was=3"], "v3=2"),
    Case("what is lacking goes off the oldest", "v3 2", ["v1 1 was=3", "v2 1 was=3", "v3 1 was=3"], "v1=0"),
    Case("while no new one is there yet", "v3 5 paused", ["v1 2 was=4", "v2 2 was=4"], "v2=3"),
    Case("size and template at once: first the size", "v3 14", ["v1 3 was=10", "v2 7 was=10"], "v1=4 v2=10"),
    Case("with a surge", "v2 20 surge=2", ["v1 6 was=10 most=12", "v2 6 was=10 most=12"], "v1=11 v2=11"),
    Case("size and surge at once", "v2 50 surge=6", ["v1 8 was=10 most=13", "v2 5 was=10 most=13"], "v1=34 v2=22"),
    Case("a write that was lost is made up for", "v3 5", ["v1 1", "v2 1 was=3", "v3 2"], "v2=2"),
    Case(
        "a full new one that is broken costs no old pod",
        "v2 2 surge=1 unavailable=1 paused",
        ["v1 1", "v2 2 available=0"],
    ),
    Case("a full new one that works needs no old ones", "v2 2 paused", ["v1 1", "v2 2"], "v1=0"),
]
PAUSES = [
    Case("a pause makes no ReplicaSet", "v2 3 paused", ["v1 3"], told="DeploymentPaused MinimumReplicasAvailable"),
    Case(
        "nor does it roll", "v2 10 surge=2 paused", ["v1 8", "v2 4"], told="DeploymentPaused MinimumReplicasAvailable"
    ),
    Case("it scales the only one", "v2 5 paused", ["v1 3 was=3"], "v1=5"),
    Case("a Deployment that begins paused", "v1 3 paused", [], told="DeploymentPaused MinimumReplicasUnavailable"),
    Case(
        "a pause does not hide that it was stuck",
        "v2 3 paused said=ProgressDeadlineExceeded",
        ["v1 3"],
        told="ProgressDeadlineExceeded MinimumReplicasAvailable",
    ),
    Case("it clears old ones away", "v2 3 paused history=0", ["v0 0", "v1 3"], "-v0"),
    Case(
        "a resumption goes on",
        "v2 3 surge=1 said=DeploymentPaused ago=5000",
        ["v1 3"],
        "+v2=1",
        "NewReplicaSetCreated MinimumReplicasAvailable",
    ),
    Case(
        "and its deadline begins anew",
        "v2 3 surge=1 said=DeploymentPaused ago=5000",
        ["v1 3", "v2 1 available=0"],
        told="DeploymentResumed MinimumReplicasAvailable",
    ),
]
DEADLINES = [
    Case(
        "stuck",
        "v2 3 surge=1 said=NewReplicaSetCreated ago=601",
        ["v1 3", "v2 1 available=0"],
        told="ProgressDeadlineExceeded MinimumReplicasAvailable",
    ),
    Case(
        "not yet",
        "v2 3 surge=1 said=NewReplicaSetCreated ago=600",
        ["v1 3", "v2 1 available=0"],
        told="NewReplicaSetCreated MinimumReplicasAvailable",
    ),
    Case(
        "stuck stays stuck",
        "v2 3 surge=1 said=ProgressDeadlineExceeded ago=9",
        ["v1 3", "v2 1 available=0"],
        told="ProgressDeadlineExceeded MinimumReplicasAvailable",
    ),
    Case(
        "what is done is never late",
        "v1 3 said=NewReplicaSetAvailable ago=9999",
        ["v1 3 available=1"],
        told="NewReplicaSetAvailable MinimumReplicasUnavailable",
    ),
    Case(
        "late, and done after all",
        "v2 3 surge=1 said=ProgressDeadlineExceeded ago=9",
        ["v1 0", "v2 3"],
        told="NewReplicaSetAvailable MinimumReplicasAvailable",
    ),
    Case(
        "a failure of the new one is told",
        "v2 3 surge=1 said=NewReplicaSetCreated",
        ["v1 3", "v2 1 present=0 failure=FailedCreate"],
        told="NewReplicaSetCreated MinimumReplicasAvailable FailedCreate",
    ),
    Case(
        "and goes when it does",
        "v2 3 surge=1 said=NewReplicaSetCreated",
        ["v1 3", "v2 1 available=0"],
        told="NewReplicaSetCreated MinimumReplicasAvailable",
    ),
]
RECREATION = [
    Case("old pods go first", "v2 3 recreate", ["v1 3"], "v1=0"),
    Case("of all old ones", "v3 3 recreate", ["v1 1", "v2 2"], "v1=0 v2=0"),
    Case("scaling comes first", "v1 5 recreate", ["v1 3 was=3"], "v1=5"),
]
HISTORY = [
    Case("as many as are kept", "v4 3 history=2", ["v1 0", "v2 0", "v3 0", "v4 3"], "-v1"),
    Case("none is kept", "v3 3 history=0", ["v1 0", "v2 0", "v3 3"], "-v1 -v2"),
    Case("the revision counts, not the age", "v3 3 history=1", ["v1 0 revision=9", "v2 0 revision=2", "v3 3"], "-v2"),
    Case("one with pods stays", "v3 3 history=0", ["v1 0 present=1", "v2 0", "v3 3"]),
    Case("one that goes already is no news", "v2 3 history=0", ["v1 0 going", "v2 3"]),
    Case("not before the rollout is through", "v3 3 surge=1 history=0", ["v1 0", "v2 1", "v3 3 available=2"]),
]


@pytest.mark.parametrize(
    "case", [*ROLLING, *SCALING, *PAUSES, *DEADLINES, *RECREATION, *HISTORY], ids=lambda case: case.name
)
def test_the_next_step(deployment: Builder, replica_set: Builder, case: Case) -> None:
    wants = deployment_of(deployment, case.wants)
    there = [replica_set_of(replica_set, text, age, wants) for age, text in enumerate(case.there)]
    if wants.status.conditions:  # what it says of its pods is not news
        for count in ("replicas", "readyReplicas", "availableReplicas"):
            setattr(wants.status, count, sum(getattr(one.status, count) for one in there))
        wants.status.updatedReplicas = sum(one.status.replicas for one in there if one.metadata.name == case.wants[:2])
    plan = decide(wants, there, pods_of_old_left=any(one.status.replicas for one in there), now=NOW)
    assert done(plan, {one.metadata.name: one.spec.replicas for one in there}) == case.does
    if case.told:
        found = [condition(plan.status.conditions, name) for name in ("Progressing", "Available", "ReplicaFailure")]
        assert " ".join(one.reason for one in found if one is not None) == case.told
