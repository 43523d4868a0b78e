"""When a pod has to leave its node because of the node's NoExecute taints.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from podlab.api.tolerations import tolerates
from podlab.core.v1 import node_pb2, pod_pb2

AT_ONCE = 0.0


def evicting(node: node_pb2.Node) -> list[node_pb2.Taint]:
    return [taint for taint in node.spec.taints if taint.effect == "NoExecute"]


def leave_at(
    tolerations: Iterable[pod_pb2.Toleration],
    taints: Iterable[node_pb2.Taint],
    since: Callable[[node_pb2.Taint], float],
) -> float | None:
    """The time (Unix seconds) at which the pod must go, None when it may stay for good."""
    tolerations = list(tolerations)
    ends: list[float] = []
    for taint in taints:
        fitting = [one for one in tolerations if tolerates(one, taint)]
        if not fitting:
            return AT_ONCE
        bounded = [max(0, one.tolerationSeconds) for one in fitting if one.HasField("tolerationSeconds")]
        if bounded:
            ends.append(since(taint) + min(bounded))
    return min(ends, default=None)
