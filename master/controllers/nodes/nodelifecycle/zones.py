"""How fast pods are evicted from nodes that are not ready, zone by zone: the more of a zone is out, the slower. Pure.

https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from master.controllers.objects.nodestate import readiness
from master.controllers.settings import EvictionSettings
from podlab.api.selection.labels import REGION_LABEL, ZONE_LABEL
from podlab.core.v1 import node_pb2

# Fewer nodes than these out are no sign of anything.
_FEW = 2
Zone = tuple[str, str]
"""Region and zone; nodes without these labels are in one zone of their own."""


class ZoneDisruption(Enum):
    """How much of a zone is out."""

    NONE = "most nodes are ready"
    PARTIAL = "many nodes are not ready"
    FULL = "no node is ready"


@dataclass(frozen=True)
class ZoneState:
    """Of one zone; `rate` is how many nodes a second may be evicted from."""

    disruption: ZoneDisruption
    rate: float


def zone_of(node: node_pb2.Node) -> Zone:
    labels = node.metadata.labels
    return labels.get(REGION_LABEL, ""), labels.get(ZONE_LABEL, "")


def states(nodes: Iterable[node_pb2.Node], settings: EvictionSettings) -> dict[Zone, ZoneState]:
    """How each zone stands."""
    ready: dict[Zone, list[bool]] = {}
    for node in nodes:
        ready.setdefault(zone_of(node), []).append(readiness(node) == "True")
    return {zone: _state(known.count(True), known.count(False), settings) for zone, known in ready.items()}


def all_out(known: Mapping[Zone, ZoneState]) -> bool:
    """No zone has a node that is ready: then it is rather we who do not hear."""
    return bool(known) and all(state.disruption is ZoneDisruption.FULL for state in known.values())


def _state(ready: int, out: int, settings: EvictionSettings) -> ZoneState:
    if ready == 0 and out > 0:  # another zone may take its pods
        return ZoneState(ZoneDisruption.FULL, settings.nodes_per_s)
    if out <= _FEW or out / (ready + out) < settings.unhealthy_zone_share:
        return ZoneState(ZoneDisruption.NONE, settings.nodes_per_s)
    large = ready + out > settings.large_zone_nodes
    return ZoneState(ZoneDisruption.PARTIAL, settings.secondary_nodes_per_s if large else 0.0)


class EvictionRateLimiter:
    """A node at once, and then one after the other as fast as its zone's rate says."""

    def __init__(self) -> None:
        self._last: dict[Zone, float] = {}

    def wait_s(self, zone: Zone, rate: float, now: float) -> float:
        """Seconds until the next node of the zone may be evicted from, infinity for never."""
        if rate <= 0:
            return float("inf")
        return max(0.0, self._last.get(zone, float("-inf")) + 1 / rate - now)

    def start(self, zone: Zone, now: float) -> None:
        """An eviction from a node of the zone begins."""
        self._last[zone] = now

    def cancel(self, zone: Zone) -> None:
        """It did not begin: the turn is another's, or the same node's again."""
        self._last.pop(zone, None)
