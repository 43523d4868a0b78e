"""The ReplicaSets of a Deployment as they should become: copies that the deciding modules write on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from master.controllers.workloads.deployment.annotations import mark_size
from master.controllers.workloads.deployment.template import by_age, find_new
from podlab.apps.v1 import deployment_pb2, replicaset_pb2


@dataclass(frozen=True)
class Rollout:
    """`new` has the present template, where there is one; `old` are the others, oldest first."""

    deployment: deployment_pb2.Deployment
    new: replicaset_pb2.ReplicaSet | None
    old: Sequence[replicaset_pb2.ReplicaSet]

    @classmethod
    def of(cls, deployment: deployment_pb2.Deployment, replica_sets: Iterable[replicaset_pb2.ReplicaSet]) -> Rollout:
        copies = []
        for replica_set in by_age(replica_sets):
            copy = replicaset_pb2.ReplicaSet()
            copy.CopyFrom(replica_set)
            copies.append(copy)
        new = find_new(deployment, copies)
        return cls(deployment, new, [one for one in copies if one is not new])

    @property
    def all(self) -> list[replicaset_pb2.ReplicaSet]:
        return [*self.old, *([self.new] if self.new is not None else [])]

    def scale(self, replica_set: replicaset_pb2.ReplicaSet, replicas: int) -> None:
        replica_set.spec.replicas = replicas
        mark_size(self.deployment, replica_set)


def size(replica_sets: Iterable[replicaset_pb2.ReplicaSet]) -> int:
    """Pods asked for."""
    return sum(one.spec.replicas for one in replica_sets)


def pods(replica_sets: Iterable[replicaset_pb2.ReplicaSet]) -> int:
    """Pods that are there or asked for: a ReplicaSet that was scaled down still has those it has yet to delete."""
    return sum(max(one.spec.replicas, one.status.replicas) for one in replica_sets)


def available(replica_set: replicaset_pb2.ReplicaSet) -> int:
    """Available pods that will stay: the status may be older than the last scaling down."""
    return min(replica_set.spec.replicas, replica_set.status.availableReplicas)
