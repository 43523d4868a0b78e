"""When a pod has to leave its node because of the node's NoExecute taints.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from podlab.api.objects import condition
from podlab.api.pods.tolerations import tolerates
from podlab.core.v1 import node_pb2, pod_pb2

AT_ONCE = 0.0


def evicting(node: node_pb2.Node) -> list[node_pb2.Taint]:
    return [taint for taint in node.spec.taints if taint.effect == "NoExecute"]


def leave_at(
    tolerations: Iterable[pod_pb2.Toleration],
    taints: Iterable[node_pb2.Taint],
    since: Callable[[node_pb2.Taint], float],
    bound: float = 0.0,
) -> float | None:
    """The time (Unix seconds) at which the pod must go, None when it may stay for good.

    What is tolerated for a while counts from the time that the pod and the taint met: a pod may be bound (at `bound`)
    to a node that has had its taint for long.
    """
    tolerations = list(tolerations)
    ends: list[float] = []
    for taint in taints:
        fitting = [one for one in tolerations if tolerates(one, taint)]
        if not fitting:
            return AT_ONCE
        bounded = [max(0, one.tolerationSeconds) for one in fitting if one.HasField("tolerationSeconds")]
        if bounded:
            ends.append(max(since(taint), bound) + min(bounded))
    return min(ends, default=None)


def bound_at(pod: pod_pb2.Pod) -> float:
    """When the pod got its node (Unix seconds); one that came with its node has it since it was created."""
    scheduled = condition(pod.status.conditions, "PodScheduled")
    met = pod.metadata.creationTimestamp if scheduled is None else scheduled.lastTransitionTime
    return float(met.seconds)
