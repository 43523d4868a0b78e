"""NodePorts: refuses nodes where a host port of the pod is in use."""

from __future__ import annotations

from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.plugins.protocol import Follows, Refusals, refuse


class NodePorts:
    name = "NodePorts"
    follows = Follows.LOAD

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        wanted = info.shape.host_ports
        if not wanted:
            return None
        in_use = nodes.used_ports.conflicts(wanted, nodes.size)
        return refuse(in_use[rows], "node(s) didn't have free ports for the requested pod ports", final=False)
