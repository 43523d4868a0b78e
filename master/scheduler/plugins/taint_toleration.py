"""TaintToleration: refuses nodes with taints that the pod does not tolerate, and prefers those with fewer soft ones.

https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from master.scheduler.plugins.protocol import Refusals, Scores, normalize
from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Snapshot
from podlab.api.tolerations import tolerates
from podlab.core.v1.node_pb2 import Taint
from podlab.core.v1.pod_pb2 import Toleration


def tolerated(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    """Whether one of the tolerations covers the taint."""
    return any(tolerates(toleration, taint) for toleration in tolerations)


class TaintToleration:
    name = "TaintToleration"
    weight = 3

    def filter(self, info: PodInfo, nodes: Snapshot) -> Refusals | None:
        if len(nodes.taint_sets) == 1:
            return None
        reasons: dict[int, tuple[str, ...]] = {}
        for number, taints in enumerate(nodes.taint_sets):
            hard = (taint for taint in taints if taint.effect in ("NoSchedule", "NoExecute"))
            first = next((taint for taint in hard if not tolerated(taint, info.pod.spec.tolerations)), None)
            if first is not None:
                reasons[number] = (f"node(s) had untolerated taint {{{first.key}: {first.value}}}",)
        if not reasons:
            return None
        sets = nodes.taint_set[: nodes.size]
        return Refusals(np.where(np.isin(sets, list(reasons)), sets, 0).astype(np.int64), reasons)

    def score(self, info: PodInfo, nodes: Snapshot, rows: NDArray[np.int64]) -> Scores | None:
        tolerations = info.pod.spec.tolerations
        soft = [
            sum(taint.effect == "PreferNoSchedule" and not tolerated(taint, tolerations) for taint in taints)
            for taints in nodes.taint_sets
        ]
        if not any(soft):
            return None
        return normalize(np.array(soft, np.int64)[nodes.taint_set[rows]], reverse=True)
