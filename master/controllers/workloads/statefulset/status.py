"""The status that a StatefulSet's pods make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from master.controllers.objects.podstate import is_being_deleted, is_ready
from master.controllers.workloads.controllerrevisions.decide import HASH_LABEL
from master.controllers.workloads.statefulset.decide import RolloutRevisions, is_available
from podlab.apps.v1 import statefulset_pb2
from podlab.core.v1 import pod_pb2


def with_status(
    stateful_set: statefulset_pb2.StatefulSet,
    revisions: RolloutRevisions,
    pods: Sequence[pod_pb2.Pod],
    *,
    collisions: int,
    now: float,
) -> statefulset_pb2.StatefulSet:
    """A copy with the status. A roll-out that is through makes its revision the current one."""
    of_revision = Counter(pod.metadata.labels.get(HASH_LABEL) for pod in pods if not is_being_deleted(pod))
    updated = statefulset_pb2.StatefulSet()
    updated.CopyFrom(stateful_set)
    status = updated.status
    status.observedGeneration = stateful_set.metadata.generation
    status.replicas = len(pods)
    status.readyReplicas = sum(pod.status.phase == "Running" and is_ready(pod) for pod in pods)
    status.availableReplicas = sum(is_available(stateful_set, pod, now) for pod in pods)
    status.currentRevision = revisions.current.metadata.name
    status.updateRevision = revisions.update.metadata.name
    status.currentReplicas = of_revision[status.currentRevision]
    status.updatedReplicas = of_revision[status.updateRevision]
    status.collisionCount = collisions
    wanted = stateful_set.spec.replicas
    rolls = stateful_set.spec.updateStrategy.type != "OnDelete"
    if rolls and status.replicas == status.readyReplicas == status.updatedReplicas == wanted:
        status.currentRevision, status.currentReplicas = status.updateRevision, status.updatedReplicas
    return updated
