"""NodeAffinity: nodeSelector and required affinity refuse nodes, preferred affinity ranks them.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#affinity-and-anti-affinity
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from master.scheduler.plugins.protocol import Refusals, Scores, normalize, refuse
from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Snapshot
from podlab.core.v1.pod_pb2 import NodeSelectorRequirement


class NodeAffinity:
    name = "NodeAffinity"
    weight = 2

    def filter(self, info: PodInfo, nodes: Snapshot) -> Refusals | None:
        spec = info.pod.spec
        affinity = spec.affinity.nodeAffinity
        required = affinity.HasField("requiredDuringSchedulingIgnoredDuringExecution")
        if not spec.nodeSelector and not required:
            return None
        matched = np.ones(nodes.size, np.bool_)
        for key, value in spec.nodeSelector.items():
            requirement = NodeSelectorRequirement(key=key, operator="In", values=[value])
            matched &= nodes.labels.column(key).matches(requirement)[: nodes.size]
        if required:
            selector = affinity.requiredDuringSchedulingIgnoredDuringExecution
            matched &= nodes.labels.select(selector, nodes.name_column)
        return refuse(~matched, "node(s) didn't match Pod's node affinity/selector")

    def score(self, info: PodInfo, nodes: Snapshot, rows: NDArray[np.int64]) -> Scores | None:
        preferred = info.pod.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution
        if not preferred:
            return None
        raw = np.zeros(len(rows), np.int64)
        for each in preferred:
            raw += each.weight * nodes.labels.matches_term(each.preference, nodes.name_column)[rows]
        return normalize(raw)
