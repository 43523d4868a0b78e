"""DefaultPreemption: among how many nodes preemption looks for victims.

https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/#kubescheduler-config-k8s-io-v1-DefaultPreemptionArgs
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DefaultPreemption:
    """Of the nodes where preemption may help, `percentage` percent are compared, but no fewer than `least`."""

    percentage: int = 10
    least: int = 100

    name = "DefaultPreemption"

    def candidates(self, nodes: int) -> int:
        """How many of `nodes` nodes are compared."""
        return min(nodes, max(self.least, nodes * self.percentage // 100))
