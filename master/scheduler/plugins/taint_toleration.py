"""TaintToleration: refuses nodes with untolerated taints, and prefers those with fewer untolerated soft taints.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from master.scheduler.cache.pod_info import PodInfo, PodShape
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.protocol import Follows, Refusals, Scores, refuse, stretched_reversed
from podlab.api.pods.tolerations import tolerates
from podlab.core.v1.node_pb2 import Taint
from podlab.core.v1.pod_pb2 import Toleration

HARD = ("NoSchedule", "NoExecute")
_UNTOLERATED = "node(s) had untolerated taint(s)"


def tolerated(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    """Whether one of the tolerations covers the taint."""
    return any(tolerates(toleration, taint) for toleration in tolerations)


def untolerated(taints: Iterable[Taint], tolerations: Iterable[Toleration]) -> Taint | None:
    """The first hard taint that none of the tolerations covers."""
    return next((taint for taint in taints if taint.effect in HARD and not tolerated(taint, tolerations)), None)


def untolerated_rows(shape: PodShape, nodes: Snapshot) -> NDArray[np.bool_]:
    """For each row whether it has a hard taint that the pod does not tolerate."""
    tolerations = shape.pod.spec.tolerations
    sets = [untolerated(taints, tolerations) is not None for taints in nodes.taint_sets]
    return np.array(sets, np.bool_)[nodes.taint_set[: nodes.size]]


class TaintToleration:
    name = "TaintToleration"
    follows = Follows.NODE
    normalize = staticmethod(stretched_reversed)

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        refused = untolerated_rows(info.shape, nodes)
        return refuse(refused[rows], _UNTOLERATED, final=True) if refused.any() else None

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        tolerations = info.pod.spec.tolerations
        soft = [
            sum(taint.effect == "PreferNoSchedule" and not tolerated(taint, tolerations) for taint in taints)
            for taints in nodes.taint_sets
        ]
        if not any(soft):
            return None
        return np.array(soft, np.int64)[nodes.taint_set[: nodes.size][rows]]
