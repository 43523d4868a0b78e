"""NodeUnschedulable: refuses cordoned nodes, unless the pod tolerates the taint of cordoned nodes."""

from __future__ import annotations

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.protocol import Follows, Refusals, refuse
from master.scheduler.plugins.taint_toleration import tolerated
from podlab.api.pods.tolerations import UNSCHEDULABLE
from podlab.core.v1.node_pb2 import Taint

_TAINT = Taint(key=UNSCHEDULABLE, effect="NoSchedule")


class NodeUnschedulable:
    name = "NodeUnschedulable"
    follows = Follows.NODE

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        if tolerated(_TAINT, info.pod.spec.tolerations):
            return None
        return refuse(nodes.unschedulable[: nodes.size][rows], "node(s) were unschedulable", final=True)
