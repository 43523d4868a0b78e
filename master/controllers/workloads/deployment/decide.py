"""What a Deployment needs next: at most one step of its rollout, and the status that tells how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from master.controllers.objects.ownership import reference_to
from master.controllers.objects.templatehash import template_hash
from master.controllers.workloads.deployment.annotations import (
    mark_revision,
    mark_size,
    next_revision,
    revision,
)
from master.controllers.workloads.deployment.bounds import is_rolling
from master.controllers.workloads.deployment.progress import (
    counted,
    deadline_in_s,
    is_complete,
    mark_failures,
    mark_new,
    mark_pause,
    mark_progress,
)
from master.controllers.workloads.deployment.proportional import scale, scaling_wanted
from master.controllers.workloads.deployment.rolling import new_size, scale_new, scale_old
from master.controllers.workloads.deployment.rollout import Rollout
from master.controllers.workloads.deployment.template import HASH_LABEL
from podlab.api.selection.labels import REVISION_ANNOTATION
from podlab.apps.v1 import deployment_pb2, replicaset_pb2
from podlab.meta.v1 import meta_pb2


@dataclass(frozen=True)
class DeploymentPlan:
    """Nothing to do: no `create`, no `update`, no `delete`, and `status` and `revision` are what they were."""

    status: deployment_pb2.DeploymentStatus
    revision: str = ""
    create: replicaset_pb2.ReplicaSet | None = None
    update: Sequence[replicaset_pb2.ReplicaSet] = field(default_factory=list)
    delete: Sequence[replicaset_pb2.ReplicaSet] = field(default_factory=list)
    look_again_s: float | None = None


def decide(
    deployment: deployment_pb2.Deployment,
    replica_sets: Sequence[replicaset_pb2.ReplicaSet],
    *,
    pods_of_old_left: bool,
    now: float,
) -> DeploymentPlan:
    """`pods_of_old_left`: pods of other templates are not all gone yet, which holds up strategy Recreate."""
    rollout = Rollout.of(deployment, replica_sets)
    status = counted(rollout, now)
    if deployment.metadata.HasField("deletionTimestamp"):
        return DeploymentPlan(status)
    mark_pause(deployment, status, now)
    if rollout.new is not None:
        mark_revision(deployment, rollout.new, next_revision(rollout.old))
        rollout.new.spec.minReadySeconds = deployment.spec.minReadySeconds
    created, delete = None, []
    if deployment.spec.paused or scaling_wanted(rollout):
        scale(rollout)
        if deployment.spec.paused:
            delete = _outdated(rollout)
    else:
        created = _roll(rollout, pods_of_old_left)
        if rollout.new is not None and is_complete(deployment, status):
            delete = _outdated(rollout)
        mark_new(rollout, status, created.metadata.name if created is not None else "", now)
        mark_progress(rollout, status, now)
    mark_failures(rollout, status)
    newest = rollout.new if rollout.new is not None else created
    return DeploymentPlan(
        status=status,
        revision=newest.metadata.annotations[REVISION_ANNOTATION] if newest is not None else "",
        create=created,
        update=_changed(rollout, replica_sets),
        delete=delete,
        look_again_s=deadline_in_s(deployment, status, now),
    )


def _roll(rollout: Rollout, pods_of_old_left: bool) -> replicaset_pb2.ReplicaSet | None:
    """Takes one step; the ReplicaSet to create, where that is the step."""
    if not is_rolling(rollout.deployment):
        active = [old for old in rollout.old if old.spec.replicas > 0]
        for old in active:
            rollout.scale(old, 0)
        if active or pods_of_old_left:
            return None
    if rollout.new is None:
        return new_replica_set(rollout)
    if not scale_new(rollout, rollout.new) and is_rolling(rollout.deployment):
        scale_old(rollout, rollout.new)
    return None


def new_replica_set(rollout: Rollout) -> replicaset_pb2.ReplicaSet:
    """The ReplicaSet of the present template, which does not exist yet."""
    deployment = rollout.deployment
    word = template_hash(deployment.spec.template, deployment.status.collisionCount)
    new = replicaset_pb2.ReplicaSet(
        metadata=meta_pb2.ObjectMeta(
            name=f"{deployment.metadata.name}-{word}",
            namespace=deployment.metadata.namespace,
            labels=deployment.spec.template.metadata.labels,
            ownerReferences=[reference_to(deployment)],
        ),
        spec=replicaset_pb2.ReplicaSetSpec(
            replicas=new_size(rollout),
            minReadySeconds=deployment.spec.minReadySeconds,
            selector=deployment.spec.selector,
            template=deployment.spec.template,
        ),
    )
    new.metadata.labels[HASH_LABEL] = word
    new.spec.selector.matchLabels[HASH_LABEL] = word
    new.spec.template.metadata.labels[HASH_LABEL] = word
    mark_revision(deployment, new, next_revision(rollout.old))
    mark_size(deployment, new)
    return new


def _changed(rollout: Rollout, replica_sets: Iterable[replicaset_pb2.ReplicaSet]) -> list[replicaset_pb2.ReplicaSet]:
    before = {one.metadata.uid: one for one in replica_sets}
    return [one for one in rollout.all if one != before[one.metadata.uid]]


def _outdated(rollout: Rollout) -> list[replicaset_pb2.ReplicaSet]:
    """Old ReplicaSets beyond the history limit, the lowest revisions first; one that has pods stays."""
    if not rollout.deployment.spec.HasField("revisionHistoryLimit"):
        return []
    kept = [old for old in rollout.old if not old.metadata.HasField("deletionTimestamp")]
    surplus = max(0, len(kept) - rollout.deployment.spec.revisionHistoryLimit)
    return [old for old in sorted(kept, key=revision)[:surplus] if _is_idle(old)]


def _is_idle(replica_set: replicaset_pb2.ReplicaSet) -> bool:
    return (
        replica_set.spec.replicas == 0
        and replica_set.status.replicas == 0
        and replica_set.status.observedGeneration >= replica_set.metadata.generation
    )
