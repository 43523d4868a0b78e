"""What happens in the cluster that may make waiting pods schedulable.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/4247-queueinghint
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from master.scheduler.cache.pod_info import PodInfo
from podlab.core.v1.node_pb2 import Node
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim


class EventKind(enum.Enum):
    """An assigned pod is deleted when it leaves its node or ends there."""

    NODE_ADD = "NodeAdd"
    NODE_ALLOCATABLE = "NodeAllocatableChange"
    NODE_LABELS = "NodeLabelChange"
    NODE_TAINTS = "NodeTaintChange"  # unschedulable included
    NODE_DELETE = "NodeDelete"
    ASSIGNED_POD_ADD = "AssignedPodAdd"
    ASSIGNED_POD_UPDATE = "AssignedPodUpdate"
    ASSIGNED_POD_DELETE = "AssignedPodDelete"
    STORAGE = "StorageChange"  # of claims, volumes or classes
    DEVICE_CLAIM = "ResourceClaimChange"
    DEVICE_CLASS = "DeviceClassChange"
    RESOURCE_SLICE = "ResourceSliceChange"
    NAMESPACE = "NamespaceChange"  # of labels


@dataclass(frozen=True)
class ClusterEvent:
    """An event with the node, pod or claim it is about, and that before the change.

    `claim` is a volume's. `device_claim` is None when it is gone; with `old_device_claim` None too, devices are free
    again that a pod was to get.

    `available` are the resources that the event offers, None when they are not known: the node's allocatable when the
    node is new or its allocatable changed, what is free on the node when a pod was deleted. `lowest_priority` is the
    lowest priority of all assigned pods.
    """

    kind: EventKind
    node: Node | None = None
    pod: PodInfo | None = None
    claim: tuple[str, str] | None = None
    old_node: Node | None = None
    old_pod: PodInfo | None = None
    device_claim: ResourceClaim | None = None
    old_device_claim: ResourceClaim | None = None
    available: Mapping[str, int] | None = None
    lowest_priority: int = 0


def node_events(old: Node | None, new: Node, available: Mapping[str, int] | None = None) -> list[ClusterEvent]:
    """The events of a node's change; none for a heartbeat."""
    if old is None:
        return [ClusterEvent(EventKind.NODE_ADD, node=new, available=available)]
    kinds: list[EventKind] = []
    if old.status.allocatable != new.status.allocatable:
        kinds.append(EventKind.NODE_ALLOCATABLE)
    if old.metadata.labels != new.metadata.labels:
        kinds.append(EventKind.NODE_LABELS)
    if old.spec.unschedulable != new.spec.unschedulable or old.spec.taints != new.spec.taints:
        kinds.append(EventKind.NODE_TAINTS)
    return [ClusterEvent(kind, node=new, old_node=old, available=available) for kind in kinds]
