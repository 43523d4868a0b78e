"""NodeUnschedulable: refuses cordoned nodes, unless the pod tolerates the taint that stands for it."""

from __future__ import annotations

from master.scheduler.plugins.protocol import Refusals, refuse
from master.scheduler.plugins.taint_toleration import tolerated
from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Snapshot
from podlab.core.v1.node_pb2 import Taint

_TAINT = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")


class NodeUnschedulable:
    name = "NodeUnschedulable"

    def filter(self, info: PodInfo, nodes: Snapshot) -> Refusals | None:
        if tolerated(_TAINT, info.pod.spec.tolerations):
            return None
        return refuse(nodes.unschedulable[: nodes.size], "node(s) were unschedulable")
