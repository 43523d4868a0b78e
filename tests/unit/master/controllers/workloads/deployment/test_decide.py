"""The steps of rollouts one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from master.controllers.objects.templatehash import template_hash
from master.controllers.workloads.deployment.annotations import HISTORY
from master.controllers.workloads.deployment.bounds import max_surge, max_unavailable
from master.controllers.workloads.deployment.decide import DeploymentPlan, decide
from podlab.api.objects import condition
from podlab.api.selection.labels import REVISION_ANNOTATION
from podlab.apps.v1 import deployment_pb2, replicaset_pb2

NOW = 1_000_000
Builder = Callable[..., Any]


def plan_of(deployment: Any, *replica_sets: Any, left: bool = False, now: float = NOW) -> DeploymentPlan:
    return decide(deployment, replica_sets, pods_of_old_left=left, now=now)


def settled(deployment: Any, replicas: int = 3) -> replicaset_pb2.ReplicaSet:
    """The Deployment's ReplicaSet, as it stands when all is done; the Deployment's status is set to match."""
    created = plan_of(deployment).create
    assert created is not None
    created.metadata.uid = created.metadata.name
    for count in ("replicas", "readyReplicas", "availableReplicas"):
        setattr(created.status, count, replicas)
    for _ in range(2):
        plan = plan_of(deployment, created)
        deployment.status.CopyFrom(plan.status)
    deployment.metadata.annotations[REVISION_ANNOTATION] = plan.revision
    return created


def changes(plan: DeploymentPlan) -> dict[str, int]:
    return {one.metadata.name: one.spec.replicas for one in plan.update}


def test_nothing_is_done_when_all_is_as_wanted(deployment: Builder) -> None:
    wanted = deployment()
    plan = plan_of(wanted, settled(wanted))
    assert (plan.create, list(plan.update), list(plan.delete)) == (None, [], [])
    assert plan.status == wanted.status
    assert plan.look_again_s is None


def test_the_first_replica_set_carries_the_hash_everywhere(deployment: Builder) -> None:
    created = plan_of(deployment()).create
    assert created is not None
    word = created.metadata.labels["pod-template-hash"]
    assert created.metadata.name == f"web-{word}"
    assert created.spec.selector.matchLabels["pod-template-hash"] == word
    assert created.spec.template.metadata.labels["pod-template-hash"] == word
    assert created.metadata.annotations[REVISION_ANNOTATION] == "1"
    assert created.spec.replicas == 3


def test_a_collision_makes_another_hash(deployment: Builder) -> None:
    template = deployment().spec.template
    assert template_hash(template, 0) == template_hash(template, 0)
    assert template_hash(template, 0) != template_hash(template, 1)


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        pytest.param(10, "25%", "25%", (3, 2), id="surge is rounded up, unavailability down"),
        pytest.param(3, "0%", "25%", (0, 1), id="one may be missing when both come to nothing"),
        pytest.param(4, 1, 0, (1, 0), id="numbers are themselves"),
        pytest.param(2, 1, 5, (1, 2), id="no more can be missing than there are"),
        pytest.param(0, 1, 1, (1, 0), id="none"),
    ],
)
def test_bounds_are_shares_of_the_size(
    deployment: Builder, replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]
) -> None:
    made = deployment(replicas, surge=surge, unavailable=unavailable)
    assert (max_surge(made), max_unavailable(made)) == expected


def test_a_pause_stops_the_rollout_and_lets_it_scale(deployment: Builder) -> None:
    wanted = deployment(4)
    old = settled(wanted, 4)
    wanted.spec.paused = True
    wanted.spec.template.spec.containers[0].image = "new"
    paused = plan_of(wanted, old)
    assert paused.create is None
    assert not changes(paused)
    progressing = condition(paused.status.conditions, "Progressing")
    assert progressing is not None
    assert (progressing.status, progressing.reason) == ("Unknown", "DeploymentPaused")
    wanted.spec.replicas = 6
    assert changes(plan_of(wanted, old)) == {old.metadata.name: 6}
    wanted.status.CopyFrom(paused.status)
    wanted.spec.paused, wanted.spec.replicas = False, 4
    resumed = plan_of(wanted, old)
    assert resumed.create is not None


def test_scaling_during_a_rollout_is_shared_out_by_size(deployment: Builder) -> None:
    wanted = deployment(10, surge=3, unavailable=2)
    old, new = settled(wanted, 8), None
    wanted.spec.template.spec.containers[0].image = "new"
    new = plan_of(wanted, old).create
    assert new is not None
    new.metadata.uid = new.metadata.name
    old.spec.replicas, new.spec.replicas = 8, 5
    wanted.spec.replicas = 15
    # Kubernetes' own example: 5 more, of which 3 go to the old and 2 to the new.
    assert changes(plan_of(wanted, old, new)) == {old.metadata.name: 11, new.metadata.name: 7}


def test_recreate_waits_for_the_last_old_pod(deployment: Builder) -> None:
    wanted = deployment()
    wanted.spec.strategy.Clear()
    wanted.spec.strategy.type = "Recreate"
    old = settled(wanted)
    wanted.spec.template.spec.containers[0].image = "new"
    first = plan_of(wanted, old, left=True)
    assert changes(first) == {old.metadata.name: 0}
    assert first.create is None
    down = first.update[0]
    assert plan_of(wanted, down, left=True).create is None
    created = plan_of(wanted, down).create
    assert created is not None
    assert created.spec.replicas == 3


def test_an_old_template_that_comes_back_gets_a_new_revision_and_keeps_its_history(deployment: Builder) -> None:
    wanted = deployment()
    first = settled(wanted)
    wanted.spec.template.spec.containers[0].image = "new"
    second = settled(wanted)
    second.metadata.annotations[REVISION_ANNOTATION] = "2"
    wanted.spec.template.CopyFrom(deployment().spec.template)
    plan = plan_of(wanted, first, second)
    (back,) = [one for one in plan.update if one.metadata.name == first.metadata.name]
    assert (back.metadata.annotations[REVISION_ANNOTATION], back.metadata.annotations[HISTORY]) == ("3", "1")
    assert plan.revision == "3"


def test_a_rollout_that_does_not_move_is_stuck_after_its_deadline(deployment: Builder) -> None:
    wanted = deployment()
    old = settled(wanted)
    wanted.spec.template.spec.containers[0].image = "broken"
    started = plan_of(wanted, old)
    wanted.status.CopyFrom(started.status)
    assert started.look_again_s == 601
    new = started.create
    assert new is not None
    new.metadata.uid = new.metadata.name
    late = plan_of(wanted, old, new, now=NOW + 601)
    progressing = condition(late.status.conditions, "Progressing")
    assert progressing is not None
    assert (progressing.status, progressing.reason) == ("False", "ProgressDeadlineExceeded")
    assert progressing.message == f'ReplicaSet "{new.metadata.name}" has timed out progressing.'
    assert late.look_again_s is None


def test_old_replica_sets_beyond_the_limit_go_lowest_revision_first(deployment: Builder, replica_set: Builder) -> None:
    wanted = deployment()
    wanted.spec.revisionHistoryLimit = 1
    current = settled(wanted)
    past = []
    for revision in (3, 1, 2):
        one = replica_set(f"old-{revision}", 0, image=f"v{revision}", present=0)
        one.metadata.annotations[REVISION_ANNOTATION] = str(revision)
        past.append(one)
    busy = replica_set("old-0", 0, image="v0", present=1)
    plan = plan_of(wanted, current, *past)
    assert [one.metadata.name for one in plan.delete] == ["old-1", "old-2"]
    assert "old-0" not in [one.metadata.name for one in plan_of(wanted, current, busy, past[0]).delete]


def test_a_replica_sets_failure_is_the_deployments(deployment: Builder) -> None:
    wanted = deployment()
    current = settled(wanted)
    current.status.conditions.add(type="ReplicaFailure", status="True", reason="FailedCreate", message="no room")
    failed = plan_of(wanted, current)
    failure = condition(failed.status.conditions, "ReplicaFailure")
    assert failure is not None
    assert (failure.reason, failure.message) == ("FailedCreate", "no room")
    wanted.status.CopyFrom(failed.status)
    del current.status.conditions[:]
    assert condition(plan_of(wanted, current).status.conditions, "ReplicaFailure") is None


def test_a_deployment_that_goes_only_tells_its_status(deployment: Builder) -> None:
    wanted: deployment_pb2.Deployment = deployment()
    wanted.metadata.deletionTimestamp.seconds = NOW
    plan = plan_of(wanted)
    assert (plan.create, list(plan.update), list(plan.delete), plan.revision) == (None, [], [], "")
