"""NodePorts: refuses nodes where a host port that the pod takes is taken."""

from __future__ import annotations

import numpy as np

from master.scheduler.plugins.protocol import Refusals, refuse
from master.scheduler.podinfo import PodInfo
from master.scheduler.snapshot import Snapshot


class NodePorts:
    name = "NodePorts"

    def filter(self, info: PodInfo, nodes: Snapshot) -> Refusals | None:
        if not info.host_ports:
            return None
        taken = np.zeros(nodes.size, np.bool_)
        for row, pods in enumerate(nodes.host_ports):
            taken[row] = any(
                wanted.collides(port) for ports in pods.values() for port in ports for wanted in info.host_ports
            )
        return refuse(taken, "node(s) didn't have free ports for the requested pod ports")
