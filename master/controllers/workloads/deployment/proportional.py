"""Scaling a Deployment whose rollout is paused or under way: every ReplicaSet takes its share.

As in https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#proportional-scaling.
"""

from __future__ import annotations

from collections.abc import Sequence

from master.controllers.workloads.deployment.annotations import desired_size, maximum_size
from master.controllers.workloads.deployment.bounds import is_rolling, max_surge
from master.controllers.workloads.deployment.rollout import Rollout, size
from podlab.apps.v1 import deployment_pb2, replicaset_pb2


def scaling_wanted(rollout: Rollout) -> bool:
    """True when the Deployment's size is another than the one its ReplicaSets were scaled for."""
    noted = (desired_size(one) for one in rollout.all if one.spec.replicas > 0)
    return any(size_then is not None and size_then != rollout.deployment.spec.replicas for size_then in noted)


def scale(rollout: Rollout) -> None:
    """One ReplicaSet takes the whole size; of several, the surplus or the lack is shared out."""
    active = [one for one in rollout.all if one.spec.replicas > 0]
    if len(active) <= 1:
        only = active[0] if active else rollout.new or (rollout.old[-1] if rollout.old else None)
        if only is not None and only.spec.replicas != rollout.deployment.spec.replicas:
            rollout.scale(only, rollout.deployment.spec.replicas)
        elif only is not None and active:
            rollout.scale(only, only.spec.replicas)
    elif _is_saturated(rollout):
        for old in rollout.old:
            if old.spec.replicas > 0:
                rollout.scale(old, 0)
    elif is_rolling(rollout.deployment):
        _share_out(rollout, active)
    else:  # Recreate takes all but the new one down as its next step
        for one in active:
            rollout.scale(one, one.spec.replicas)


def _is_saturated(rollout: Rollout) -> bool:
    """The new ReplicaSet alone is what was asked for."""
    new, wanted = rollout.new, rollout.deployment.spec.replicas
    return (
        new is not None
        and new.spec.replicas == wanted
        and desired_size(new) == wanted
        and new.status.availableReplicas == wanted
    )


def _share_out(rollout: Rollout, active: Sequence[replicaset_pb2.ReplicaSet]) -> None:
    wanted = rollout.deployment.spec.replicas
    allowed = wanted + max_surge(rollout.deployment) if wanted > 0 else 0
    change = allowed - size(active)
    ranked = _largest_first(active, newest_first=change > 0)
    shares: list[int] = []
    for replica_set in ranked:
        share = _share(rollout.deployment, replica_set) if change else 0
        rest = change - sum(shares)
        shares.append(max(0, min(share, rest)) if change > 0 else min(0, max(share, rest)))
    shares[0] += change - sum(shares)  # what rounding left over
    for replica_set, share in zip(ranked, shares, strict=True):
        rollout.scale(replica_set, max(0, replica_set.spec.replicas + share))


def _share(deployment: deployment_pb2.Deployment, replica_set: replicaset_pb2.ReplicaSet) -> int:
    """By how much this one must change to stay the same part of the whole."""
    now = replica_set.spec.replicas
    if deployment.spec.replicas == 0:
        return -now
    whole_then = maximum_size(replica_set) or deployment.status.replicas
    if not whole_then:
        return 0
    whole_now = deployment.spec.replicas + max_surge(deployment)
    return (2 * now * whole_now + whole_then) // (2 * whole_then) - now  # rounded, halves up


def _largest_first(
    replica_sets: Sequence[replicaset_pb2.ReplicaSet], *, newest_first: bool
) -> list[replicaset_pb2.ReplicaSet]:
    sign = -1 if newest_first else 1
    return sorted(replica_sets, key=lambda one: (-one.spec.replicas, sign * one.metadata.creationTimestamp.seconds))
