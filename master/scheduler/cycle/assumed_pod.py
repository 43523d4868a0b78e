"""A pod that the scheduling cycle gave a node."""

from __future__ import annotations

from dataclasses import dataclass

from master.scheduler.cache.pod_info import PodInfo


@dataclass(frozen=True, slots=True)
class AssumedPod:
    """The pod counts on the node already, before the API server knows."""

    info: PodInfo
    node_name: str
