"""The status of a Deployment: counts, and the conditions Available, Progressing and ReplicaFailure.

Reasons and messages are Kubernetes' own
(https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status).
"""

from __future__ import annotations

from master.controllers.workloads.deployment.bounds import max_unavailable
from master.controllers.workloads.deployment.rollout import Rollout, size
from podlab.api.objects import condition
from podlab.apps.v1 import deployment_pb2
from podlab.meta.v1 import meta_pb2

NO_DEADLINE = 2**31 - 1  # what Kubernetes takes for "never"
COMPLETE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"


def counted(rollout: Rollout, now: float) -> deployment_pb2.DeploymentStatus:
    """Counts and availability, with the other conditions as they were."""
    deployment = rollout.deployment
    new = [rollout.new] if rollout.new is not None else []
    available = sum(one.status.availableReplicas for one in rollout.all)
    status = deployment_pb2.DeploymentStatus(
        observedGeneration=deployment.metadata.generation,
        replicas=sum(one.status.replicas for one in rollout.all),
        updatedReplicas=sum(one.status.replicas for one in new),
        readyReplicas=sum(one.status.readyReplicas for one in rollout.all),
        availableReplicas=available,
        unavailableReplicas=max(0, size(rollout.all) - available),
        conditions=deployment.status.conditions,
    )
    going = [one.status.terminatingReplicas for one in rollout.all if one.status.HasField("terminatingReplicas")]
    if going:
        status.terminatingReplicas = sum(going)
    if deployment.status.HasField("collisionCount"):
        status.collisionCount = deployment.status.collisionCount
    if available >= deployment.spec.replicas - max_unavailable(deployment):
        availability = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        availability = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    set_condition(status, "Available", *availability, now=now)
    return status


def mark_pause(deployment: deployment_pb2.Deployment, status: deployment_pb2.DeploymentStatus, now: float) -> None:
    """A pause stops the clock of the progress deadline; a resumption starts it anew."""
    known = condition(status.conditions, "Progressing")
    if not has_deadline(deployment) or (known is not None and known.reason == TIMED_OUT):
        return
    was_paused = known is not None and known.reason == PAUSED
    if deployment.spec.paused and not was_paused:
        set_condition(status, "Progressing", "Unknown", PAUSED, "Deployment is paused", now=now)
    elif was_paused and not deployment.spec.paused:
        set_condition(status, "Progressing", "Unknown", RESUMED, "Deployment is resumed", now=now)


def mark_new(rollout: Rollout, status: deployment_pb2.DeploymentStatus, created: str, now: float) -> None:
    """The new ReplicaSet was made (`created` is its name), or was there when the Deployment came."""
    if not has_deadline(rollout.deployment):
        return
    if created:
        message = f'Created new replica set "{created}"'
        set_condition(status, "Progressing", "True", "NewReplicaSetCreated", message, now=now)
    elif rollout.new is not None and condition(status.conditions, "Progressing") is None:
        message = f'Found new replica set "{rollout.new.metadata.name}"'
        set_condition(status, "Progressing", "True", "FoundNewReplicaSet", message, now=now)


def mark_progress(rollout: Rollout, status: deployment_pb2.DeploymentStatus, now: float) -> None:
    """Done, under way, or stuck for longer than the deadline."""
    deployment = rollout.deployment
    if not has_deadline(deployment):
        remove_condition(status, "Progressing")
        return
    known = condition(status.conditions, "Progressing")
    if status.replicas == status.updatedReplicas and known is not None and known.reason == COMPLETE:
        return
    what = (
        f'ReplicaSet "{rollout.new.metadata.name}"'
        if rollout.new is not None
        else f'Deployment "{deployment.metadata.name}"'
    )
    if is_complete(deployment, status):
        set_condition(status, "Progressing", "True", COMPLETE, f"{what} has successfully progressed.", now=now)
    elif _moved(deployment.status, status):
        set_condition(
            status, "Progressing", "True", "ReplicaSetUpdated", f"{what} is progressing.", now=now, touch=True
        )
    elif _is_stuck(deployment, known, now):
        set_condition(status, "Progressing", "False", TIMED_OUT, f"{what} has timed out progressing.", now=now)


def mark_failures(rollout: Rollout, status: deployment_pb2.DeploymentStatus) -> None:
    """What hinders a ReplicaSet, the new one first, hinders the Deployment."""
    remove_condition(status, "ReplicaFailure")
    for replica_set in reversed(rollout.all):
        failure = condition(replica_set.status.conditions, "ReplicaFailure")
        if failure is not None:
            status.conditions.add(
                type=failure.type,
                status=failure.status,
                reason=failure.reason,
                message=failure.message,
                lastTransitionTime=failure.lastTransitionTime,
                lastUpdateTime=failure.lastTransitionTime,
            )
            return


def deadline_in_s(
    deployment: deployment_pb2.Deployment, status: deployment_pb2.DeploymentStatus, now: float
) -> float | None:
    """Seconds until the Deployment counts as stuck unless it moves; None when that cannot happen."""
    known = condition(status.conditions, "Progressing")
    if not has_deadline(deployment) or known is None or known.reason in (COMPLETE, TIMED_OUT, PAUSED):
        return None
    # A second more: times are kept in whole seconds.
    return max(0.0, known.lastUpdateTime.seconds + deployment.spec.progressDeadlineSeconds - now) + 1.0


def is_complete(deployment: deployment_pb2.Deployment, status: deployment_pb2.DeploymentStatus) -> bool:
    """All pods are of the present template and available."""
    wanted = deployment.spec.replicas
    return status.updatedReplicas == status.replicas == status.availableReplicas == wanted and (
        status.observedGeneration >= deployment.metadata.generation
    )


def has_deadline(deployment: deployment_pb2.Deployment) -> bool:
    spec = deployment.spec
    return spec.HasField("progressDeadlineSeconds") and spec.progressDeadlineSeconds != NO_DEADLINE


def set_condition(
    status: deployment_pb2.DeploymentStatus,
    condition_type: str,
    value: str,
    reason: str,
    message: str,
    *,
    now: float,
    touch: bool = False,
) -> None:
    """Sets the condition. The same value and reason is no news, unless `touch` says that it is news again."""
    known = condition(status.conditions, condition_type)
    if known is not None and (known.status, known.reason) == (value, reason) and not touch:
        return
    at = meta_pb2.Time(seconds=int(now))
    since = known.lastTransitionTime if known is not None and known.status == value else at
    fresh = deployment_pb2.DeploymentCondition(
        type=condition_type, status=value, reason=reason, message=message, lastUpdateTime=at, lastTransitionTime=since
    )
    if known is not None:
        known.CopyFrom(fresh)
    else:
        status.conditions.append(fresh)


def remove_condition(status: deployment_pb2.DeploymentStatus, condition_type: str) -> None:
    kept = [one for one in status.conditions if one.type != condition_type]
    if len(kept) != len(status.conditions):
        del status.conditions[:]
        status.conditions.extend(kept)


def _moved(old: deployment_pb2.DeploymentStatus, new: deployment_pb2.DeploymentStatus) -> bool:
    return (
        new.updatedReplicas > old.updatedReplicas
        or new.replicas - new.updatedReplicas < old.replicas - old.updatedReplicas
        or new.readyReplicas > old.readyReplicas
        or new.availableReplicas > old.availableReplicas
    )


def _is_stuck(
    deployment: deployment_pb2.Deployment, known: deployment_pb2.DeploymentCondition | None, now: float
) -> bool:
    if known is None or known.reason == COMPLETE:
        return False
    return known.reason == TIMED_OUT or known.lastUpdateTime.seconds + deployment.spec.progressDeadlineSeconds < now
