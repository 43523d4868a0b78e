"""NodeName: a pod that names its node goes there or nowhere."""

from __future__ import annotations

import numpy as np

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.protocol import Follows, Refusals, refuse


class NodeName:
    name = "NodeName"
    follows = Follows.CLUSTER  # a shape does not hold the name of the node

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        if not info.pod.spec.nodeName:
            return None
        others = np.ones(nodes.size, np.bool_)
        row = nodes.row(info.pod.spec.nodeName)
        if row is not None:
            others[row] = False
        return refuse(others[rows], "node(s) didn't match the requested node name", final=True)
