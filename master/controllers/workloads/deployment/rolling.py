"""One step of a rolling update: the new ReplicaSet up, then the old ones down, within the Deployment's bounds.

The arithmetic is that of https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment,
counted so that a status which lags behind can only make the step smaller.
"""

from __future__ import annotations

from master.controllers.workloads.deployment.bounds import is_rolling, max_surge, max_unavailable
from master.controllers.workloads.deployment.rollout import Rollout, available, pods, size
from podlab.apps.v1 import replicaset_pb2


def new_size(rollout: Rollout) -> int:
    """Replicas of the new ReplicaSet: all, or as many as the surge has room for."""
    wanted = rollout.deployment.spec.replicas
    present = rollout.new.spec.replicas if rollout.new is not None else 0
    if not is_rolling(rollout.deployment) or present >= wanted:
        return wanted
    room = wanted + max_surge(rollout.deployment) - pods(rollout.all)
    return present + max(0, min(room, wanted - present))


def scale_new(rollout: Rollout, new: replicaset_pb2.ReplicaSet) -> bool:
    """True when it was scaled."""
    wanted = new_size(rollout)
    if new.spec.replicas == wanted:
        return False
    rollout.scale(new, wanted)
    return True


def scale_old(rollout: Rollout, new: replicaset_pb2.ReplicaSet) -> None:
    """Old ReplicaSets lose the pods that serve nobody first, then as many as are not needed for availability."""
    minimum = rollout.deployment.spec.replicas - max_unavailable(rollout.deployment)
    starting = new.spec.replicas - available(new)
    _drop_unavailable(rollout, size(rollout.all) - minimum - starting)
    _drop_available(rollout, sum(available(one) for one in rollout.all) - minimum)


def _drop_unavailable(rollout: Rollout, at_most: int) -> None:
    for old in rollout.old:
        count = min(at_most, old.spec.replicas - available(old))
        if count > 0:
            rollout.scale(old, old.spec.replicas - count)
            at_most -= count


def _drop_available(rollout: Rollout, at_most: int) -> None:
    for old in rollout.old:
        count = min(at_most, old.spec.replicas)
        if count > 0:
            rollout.scale(old, old.spec.replicas - count)
            at_most -= count
