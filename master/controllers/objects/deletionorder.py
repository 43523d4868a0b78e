"""Which pods go first when there are too many: those that are missed least.

Kubernetes' order: https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#scaling-a-replicaset
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import log2

from master.controllers.objects.podstate import ready_since
from podlab.core.v1 import pod_pb2

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def pods_to_delete(
    pods: Sequence[pod_pb2.Pod], count: int, siblings: Iterable[pod_pb2.Pod], now: float
) -> list[pod_pb2.Pod]:
    """The `count` pods to delete. `siblings` are all active pods of the same application, `pods` among them."""
    if count >= len(pods):
        return list(pods)
    crowds = Counter(pod.spec.nodeName for pod in siblings if pod.spec.nodeName)
    return sorted(pods, key=lambda pod: _rank(pod, crowds[pod.spec.nodeName], now))[:count]


def _rank(pod: pod_pb2.Pod, crowd: int, now: float) -> tuple[float | str, ...]:
    """Smaller goes first. Ages count by their order of magnitude, so that chance spreads the loss over similar ones."""
    since = ready_since(pod)
    return (
        bool(pod.spec.nodeName),
        _PHASES.get(pod.status.phase, 0),
        since is not None,
        _deletion_cost(pod),
        -crowd,
        _magnitude(now - since) if since else -1,
        -_restarts(pod),
        _magnitude(now - pod.metadata.creationTimestamp.seconds),
        pod.metadata.uid,
    )


def _deletion_cost(pod: pod_pb2.Pod) -> int:
    try:
        return int(pod.metadata.annotations.get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _restarts(pod: pod_pb2.Pod) -> int:
    return max((status.restartCount for status in pod.status.containerStatuses), default=0)


def _magnitude(age_s: float) -> int:
    return int(log2(age_s)) if age_s >= 1 else 0
