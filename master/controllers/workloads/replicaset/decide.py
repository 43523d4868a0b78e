"""What a ReplicaSet needs: pods to create, or which to delete; and the status that tells how it stands.

A ReplicationController needs the same. It differs in the form of its selector, which is `selectors.of_pods`' part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from master.controllers.objects.deletionorder import pods_to_delete
from master.controllers.objects.podstate import (
    available_in_s,
    is_active,
    is_being_deleted,
    is_ready,
    replacement_delay_s,
)
from podlab.api.objects import condition
from podlab.api.pods.podphase import is_terminal
from podlab.apps.v1 import replicaset_pb2
from podlab.core.v1 import pod_pb2, replicationcontroller_pb2
from podlab.meta.v1 import meta_pb2

ReplicaSet = replicaset_pb2.ReplicaSet | replicationcontroller_pb2.ReplicationController
R = TypeVar("R", replicaset_pb2.ReplicaSet, replicationcontroller_pb2.ReplicationController)

# More at once would starve the other ReplicaSets.
BURST = 500
REPLICA_FAILURE = "ReplicaFailure"


@dataclass(frozen=True)
class ReplicaSetPlan:
    """Either some to create or some to delete; or nothing to do."""

    create: int = 0
    delete: list[pod_pb2.Pod] = field(default_factory=list)


@dataclass(frozen=True)
class ReplicaFailure:
    """Why pods could not be created or deleted: reason FailedCreate or FailedDelete."""

    reason: str
    message: str


def decide(
    replica_set: ReplicaSet,
    pods: Iterable[pod_pb2.Pod],
    siblings: Iterable[pod_pb2.Pod],
    now: float,
) -> ReplicaSetPlan:
    """`siblings` are the pods of all ReplicaSets with the same owner: nodes that hold many of them lose one first."""
    if replica_set.metadata.HasField("deletionTimestamp"):
        return ReplicaSetPlan()
    pods = list(pods)
    active = [pod for pod in pods if is_active(pod)]
    missing = replica_set.spec.replicas - len(active)
    if missing > 0 and any(replacement_delay_s(pod, now) for pod in pods):
        return ReplicaSetPlan()
    if missing > 0:
        return ReplicaSetPlan(create=min(missing, BURST))
    if missing < 0:
        count = min(-missing, BURST)
        return ReplicaSetPlan(delete=pods_to_delete(active, count, [pod for pod in siblings if is_active(pod)], now))
    return ReplicaSetPlan()


def with_status(replica_set: R, pods: Iterable[pod_pb2.Pod], failure: ReplicaFailure | None, now: float) -> R:
    """A copy with the status that these pods make."""
    all_pods = list(pods)
    active = [pod for pod in all_pods if is_active(pod)]
    spec = replica_set.spec
    wanted_labels = spec.template.metadata.labels
    updated = type(replica_set)()
    updated.CopyFrom(replica_set)
    updated.status.replicas = len(active)
    updated.status.fullyLabeledReplicas = sum(_carries(pod, wanted_labels) for pod in active)
    updated.status.readyReplicas = sum(is_ready(pod) for pod in active)
    updated.status.availableReplicas = sum(available_in_s(pod, spec.minReadySeconds, now) == 0 for pod in active)
    updated.status.observedGeneration = replica_set.metadata.generation
    if isinstance(updated, replicaset_pb2.ReplicaSet):
        updated.status.terminatingReplicas = sum(is_being_deleted(pod) and not is_terminal(pod) for pod in all_pods)
    _set_failure_condition(updated, failure, now)
    return updated


def _carries(pod: pod_pb2.Pod, labels: Mapping[str, str]) -> bool:
    return all(pod.metadata.labels.get(name) == value for name, value in labels.items())


def _set_failure_condition(replica_set: R, failure: ReplicaFailure | None, now: float) -> None:
    """The condition is there as long as there is a failure; one for the same reason is the same failure."""
    conditions = replica_set.status.conditions
    known = condition(conditions, REPLICA_FAILURE)
    if known is not None and failure is not None and known.reason == failure.reason:
        return
    if known is not None:
        conditions.remove(known)
    if failure is not None:
        conditions.add(
            type=REPLICA_FAILURE,
            status="True",
            reason=failure.reason,
            message=failure.message,
            lastTransitionTime=meta_pb2.Time(seconds=int(now)),
        )
