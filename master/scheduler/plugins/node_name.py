"""NodeName: a pod that names its node goes there or nowhere."""

from __future__ import annotations

import numpy as np

from master.scheduler.plugins.protocol import Refusals, refuse
from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Snapshot


class NodeName:
    name = "NodeName"

    def filter(self, info: PodInfo, nodes: Snapshot) -> Refusals | None:
        if not info.pod.spec.nodeName:
            return None
        others = np.ones(nodes.size, np.bool_)
        row = nodes.row(info.pod.spec.nodeName)
        if row is not None:
            others[row] = False
        return refuse(others, "node(s) didn't match the requested node name")
