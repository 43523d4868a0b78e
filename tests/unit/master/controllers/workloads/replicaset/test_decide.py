"""What a ReplicaSet needs, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from master.controllers.workloads.replicaset.decide import BURST, ReplicaFailure, ReplicaSetPlan, decide, with_status
from podlab.core.v1 import replicationcontroller_pb2

NOW = 1_000_000
Builder = Callable[..., Any]


@pytest.mark.parametrize(
    ("wanted", "present", "create", "delete"),
    [
        pytest.param(2, [{}, {}], 0, 0, id="nothing to do"),
        pytest.param(3, [{}], 2, 0, id="too few"),
        pytest.param(1, [{}, {}, {}], 0, 2, id="too many"),
        pytest.param(2, [{}, {"going": True}], 1, 0, id="a pod that is going does not count"),
        pytest.param(2, [{}, {"phase": "Failed"}], 1, 0, id="a pod that failed does not count"),
        pytest.param(0, [{"phase": "Succeeded"}], 0, 0, id="a pod that ended is not in the way"),
        pytest.param(BURST + 10, [], BURST, 0, id="no more than a burst at once"),
    ],
)
def test_pods_are_created_or_deleted_until_there_are_as_many_as_wanted(
    replica_set: Builder, pod: Builder, wanted: int, present: list[dict[str, Any]], create: int, delete: int
) -> None:
    plan = decide(replica_set(replicas=wanted), [pod(**one) for one in present], [], NOW)
    assert (plan.create, len(plan.delete)) == (create, delete)


@pytest.mark.parametrize(("age_s", "create"), [(0, 0), (1, 1), (3600, 1)])
def test_what_a_node_refuses_at_once_is_replaced_a_moment_later(
    replica_set: Builder, pod: Builder, age_s: int, create: int
) -> None:
    refused = pod(phase="Failed")
    refused.metadata.creationTimestamp.seconds = NOW - age_s
    assert decide(replica_set(replicas=2), [pod(), refused], [], NOW).create == create


def test_a_replica_set_that_goes_creates_and_deletes_nothing(replica_set: Builder) -> None:
    going = replica_set(replicas=5)
    going.metadata.deletionTimestamp.seconds = NOW
    assert decide(going, [], [], NOW) == ReplicaSetPlan()


def test_the_status_counts_pods_by_what_they_can_do(replica_set: Builder, pod: Builder) -> None:
    owner = replica_set(replicas=4)
    owner.metadata.generation = 7
    owner.spec.minReadySeconds = 30
    pods = [
        pod(app="web", ready=False),
        pod(app="web", ready_at=NOW - 10),
        pod(app="web", ready_at=NOW - 30),
        pod(app="web", going=True),
        pod(app="other"),
    ]
    told = with_status(owner, pods, None, NOW).status
    assert (told.replicas, told.fullyLabeledReplicas, told.readyReplicas, told.availableReplicas) == (4, 3, 3, 2)
    assert told.observedGeneration == 7


def test_a_failure_is_told_until_it_is_over(replica_set: Builder) -> None:
    owner = replica_set()
    owner = with_status(owner, [], ReplicaFailure("FailedCreate", "no room"), NOW)
    (condition,) = owner.status.conditions
    assert (condition.type, condition.status, condition.reason) == ("ReplicaFailure", "True", "FailedCreate")
    again = with_status(owner, [], ReplicaFailure("FailedCreate", "still no room"), NOW + 60).status
    assert again.conditions[0].lastTransitionTime.seconds == NOW
    assert not with_status(owner, [], None, NOW).status.conditions


def test_a_replication_controller_is_told_in_its_own_words(pod: Builder) -> None:
    owner = replicationcontroller_pb2.ReplicationController()
    owner.metadata.name, owner.metadata.uid, owner.spec.replicas = "web", "uid-web", 2
    owner.spec.selector["app"] = owner.spec.template.metadata.labels["app"] = "web"
    assert decide(owner, [pod()], [], NOW).create == 1
    told = with_status(owner, [pod(app="web")], ReplicaFailure("FailedCreate", "no room"), NOW).status
    assert isinstance(told, replicationcontroller_pb2.ReplicationControllerStatus)
    assert (told.replicas, told.fullyLabeledReplicas, told.conditions[0].type) == (1, 1, "ReplicaFailure")
