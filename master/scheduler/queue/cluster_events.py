"""Queueing hints: which kinds of events can help a pod that a plugin refused. Pure. `remedies` looks closer.

As Kubernetes' plugins register them
(https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/4247-queueinghint).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from master.scheduler.cache.pod_info import PodInfo
from podlab.core.v1.node_pb2 import Node

# Stands for the plugin of pods that no plugin refused: there was no node.
NO_PLUGIN = ""


class What(enum.Enum):
    """Kinds of events. A pod counts as placed when it is on a node, and as gone when it left it or ended there."""

    NODE_ADDED = "NodeAdd"
    NODE_ALLOCATABLE = "NodeAllocatableChange"
    NODE_LABELS = "NodeLabelChange"
    NODE_TAINTS = "NodeTaintChange"  # unschedulable included
    NODE_REMOVED = "NodeDelete"
    POD_PLACED = "AssignedPodAdd"
    POD_LABELS = "AssignedPodUpdate"
    POD_GONE = "AssignedPodDelete"
    VOLUMES = "StorageChange"  # of claims, volumes or classes
    NAMESPACES = "NamespaceChange"  # of their labels


@dataclass(frozen=True)
class Event:
    """What happened, and to which node, pod or claim; of a change also what that was `before`.

    `room` is what the node has for a pod, if that is known: all that it offers when it is new or offers something else,
    what is free there when a pod has gone. `least_priority` is that of the least important of all standing pods.
    """

    what: What
    node: Node | None = None
    pod: PodInfo | None = None
    claim: tuple[str, str] | None = None
    node_before: Node | None = None
    pod_before: PodInfo | None = None
    room: Mapping[str, int] | None = None
    least_priority: int = 0


_ROOM = frozenset({What.NODE_ADDED, What.NODE_ALLOCATABLE, What.POD_GONE})
_STORAGE = frozenset({What.NODE_ADDED, What.NODE_LABELS, What.VOLUMES})
_NEIGHBOURS = frozenset(
    {What.NODE_ADDED, What.NODE_LABELS, What.POD_PLACED, What.POD_LABELS, What.POD_GONE, What.NAMESPACES}
)
# Any event may help where a plugin that is not named here refused: one of the user's own.
HELPED_BY: Mapping[str, frozenset[What]] = {
    "NodeUnschedulable": frozenset({What.NODE_ADDED, What.NODE_TAINTS}),
    "NodeName": frozenset({What.NODE_ADDED}),
    "TaintToleration": frozenset({What.NODE_ADDED, What.NODE_TAINTS}),
    "NodeAffinity": frozenset({What.NODE_ADDED, What.NODE_LABELS}),
    "NodePorts": frozenset({What.NODE_ADDED, What.POD_GONE}),
    "NodeResourcesFit": _ROOM,
    "VolumeRestrictions": frozenset({What.NODE_ADDED, What.POD_GONE, What.VOLUMES}),
    "VolumeBinding": _STORAGE,
    "VolumeZone": _STORAGE,
    "PodTopologySpread": _NEIGHBOURS - {What.NAMESPACES} | {What.NODE_TAINTS, What.NODE_REMOVED},
    "InterPodAffinity": _NEIGHBOURS,
}
_EVERYTHING = frozenset(What)


def plugins_helped(event: Event, plugins: Iterable[str]) -> list[str]:
    """Those of the plugins whose refusal such an event can undo."""
    return [name for name in plugins if event.what in HELPED_BY.get(name, _EVERYTHING)]


def node_events(old: Node | None, new: Node, room: Mapping[str, int] | None = None) -> list[Event]:
    """What a node's change amounts to; nothing when it is a heartbeat."""
    if old is None:
        return [Event(What.NODE_ADDED, node=new, room=room)]
    found: list[What] = []
    if old.status.allocatable != new.status.allocatable:
        found.append(What.NODE_ALLOCATABLE)
    if old.metadata.labels != new.metadata.labels:
        found.append(What.NODE_LABELS)
    if old.spec.unschedulable != new.spec.unschedulable or old.spec.taints != new.spec.taints:
        found.append(What.NODE_TAINTS)
    return [Event(what, node=new, node_before=old, room=room) for what in found]
