"""The status of a DaemonSet, counted in nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from master.controllers.objects.podstate import is_ready
from master.controllers.workloads.daemonset.decide import by_node
from master.controllers.workloads.daemonset.placement import NodePlacement
from master.controllers.workloads.daemonset.rolling import DaemonSetUpdate, is_available, is_updated
from podlab.apps.v1 import daemonset_pb2
from podlab.core.v1 import pod_pb2


def with_status(
    update: DaemonSetUpdate, placements: Mapping[str, NodePlacement], pods: Iterable[pod_pb2.Pod], *, collisions: int
) -> daemonset_pb2.DaemonSet:
    """A copy with the status. With a surge a node counts as updated once its old pod is gone."""
    here = by_node(pods)
    wanted = [here[name] for name, placement in placements.items() if placement.run and name in here]
    updated = daemonset_pb2.DaemonSet()
    updated.CopyFrom(update.daemon_set)
    status = updated.status
    status.observedGeneration = updated.metadata.generation
    status.desiredNumberScheduled = sum(placement.run for placement in placements.values())
    status.currentNumberScheduled = len(wanted)
    status.numberMisscheduled = sum(not placement.run and name in here for name, placement in placements.items())
    status.numberReady = sum(any(map(is_ready, pods)) for pods in wanted)
    status.updatedNumberScheduled = sum(all(is_updated(update, pod) for pod in pods) for pods in wanted)
    status.numberAvailable = sum(any(is_available(update, pod) for pod in pods) for pods in wanted)
    status.numberUnavailable = status.desiredNumberScheduled - status.numberAvailable
    if collisions:
        status.collisionCount = collisions
    return updated
