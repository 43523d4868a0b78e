"""NodePorts: refuses nodes where a host port that the pod takes is taken."""

from __future__ import annotations

from master.scheduler.plugins.protocol import Follows, Refusals, refuse
from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Rows, Snapshot


class NodePorts:
    name = "NodePorts"
    follows = Follows.LOAD

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        wanted = info.shape.host_ports
        if not wanted:
            return None
        taken = nodes.host_ports.collide(wanted, nodes.size)
        return refuse(taken[rows], "node(s) didn't have free ports for the requested pod ports", final=False)
