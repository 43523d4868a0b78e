"""What a Deployment writes on its ReplicaSets beside their spec: revisions, and the size that was asked for.

Names as in https://kubernetes.io/docs/reference/labels-annotations-taints/.
"""

from __future__ import annotations

from collections.abc import Iterable

from master.controllers.workloads.deployment.bounds import max_surge
from podlab.api.selection.labels import LAST_APPLIED, REVISION_ANNOTATION
from podlab.apps.v1 import deployment_pb2, replicaset_pb2

HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
_OWN = frozenset({LAST_APPLIED, REVISION_ANNOTATION, HISTORY, DESIRED, MAXIMUM})


def revision(replica_set: replicaset_pb2.ReplicaSet) -> int:
    """0 where there is none that can be read."""
    return _number(replica_set, REVISION_ANNOTATION) or 0


def next_revision(old: Iterable[replicaset_pb2.ReplicaSet]) -> int:
    """That of a template that comes after all of `old`."""
    return max((revision(one) for one in old), default=0) + 1


def mark_revision(
    deployment: deployment_pb2.Deployment, replica_set: replicaset_pb2.ReplicaSet, new_revision: int
) -> None:
    """Copies the Deployment's annotations, and raises the revision; a template that comes back keeps its history."""
    annotations = replica_set.metadata.annotations
    for name, value in deployment.metadata.annotations.items():
        if name not in _OWN:
            annotations[name] = value
    old = annotations.get(REVISION_ANNOTATION, "")
    if revision(replica_set) < new_revision:
        annotations[REVISION_ANNOTATION] = str(new_revision)
        if old:
            history = [past for past in annotations.get(HISTORY, "").split(",") if past]
            annotations[HISTORY] = ",".join([*history, old])


def mark_size(deployment: deployment_pb2.Deployment, replica_set: replicaset_pb2.ReplicaSet) -> None:
    """Notes for which size of the Deployment this ReplicaSet was scaled."""
    replicas = deployment.spec.replicas
    replica_set.metadata.annotations[DESIRED] = str(replicas)
    replica_set.metadata.annotations[MAXIMUM] = str(replicas + max_surge(deployment))


def desired_size(replica_set: replicaset_pb2.ReplicaSet) -> int | None:
    return _number(replica_set, DESIRED)


def maximum_size(replica_set: replicaset_pb2.ReplicaSet) -> int | None:
    return _number(replica_set, MAXIMUM)


def _number(replica_set: replicaset_pb2.ReplicaSet, annotation: str) -> int | None:
    try:
        return (
            int(replica_set.metadata.annotations[annotation])
            if annotation in replica_set.metadata.annotations
            else None
        )
    except ValueError:
        return None
