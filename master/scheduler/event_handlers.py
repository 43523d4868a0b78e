"""Takes the informers' changes of nodes and pods into the snapshot and the queue."""

from __future__ import annotations

from collections.abc import Container

from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.preemption.nominated_pods import NominatedPods
from master.scheduler.queue.claim_gate import ClaimGate
from master.scheduler.queue.cluster_events import ClusterEvent, EventKind, node_events
from master.scheduler.queue.scheduling_queue import SchedulingQueue
from podlab.api.objects import Key
from podlab.api.pods.allocated import charged
from podlab.api.pods.podphase import is_terminal
from podlab.client.informer import Change
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod


class EventHandlers:
    """Pods whose scheduler name is not in `names` are left alone."""

    def __init__(
        self,
        names: Container[str],
        snapshot: Snapshot,
        queue: SchedulingQueue,
        nominated_pods: NominatedPods,
        gate: ClaimGate,
    ) -> None:
        self._names = names
        self._snapshot = snapshot
        self._queue = queue
        self._nominated_pods = nominated_pods
        self._gate = gate

    def node_changed(self, change: Change[Node]) -> None:
        """A node was added, changed or deleted."""
        if change.new is None:
            self._snapshot.remove_node(change.key.name)
            self._queue.handle_event(ClusterEvent(EventKind.NODE_DELETE, node=change.old))
            return
        self._snapshot.set_node(change.new)
        row = self._snapshot.row(change.key.name)
        available = self._snapshot.resources.allocatable_on(row) if row is not None else None
        for event in node_events(change.old, change.new, available):
            self._queue.handle_event(event)

    def pod_changed(self, change: Change[Pod]) -> None:
        """A pod was added, changed or deleted."""
        old, pod = change.old, change.new
        if old is not None and pod is not None and old.metadata.uid != pod.metadata.uid:
            # The deletion of the first pod was missed, and another one has its name.
            self.pod_changed(Change(change.key, old, None))
            self.pod_changed(Change(change.key, None, pod))
        elif pod is None or is_terminal(pod):
            self._remove(change.key)
            if (gone := pod or old) is not None:
                self._ended(gone)
        elif pod.spec.nodeName:
            self._remove(change.key)
            self._assigned(old, pod)
        elif self.is_pending(pod):
            if pod.status.nominatedNodeName and old is None:
                self._nominated_pods.add(pod_info(pod), pod.status.nominatedNodeName)
            if old is None or _spec_changed(old, pod):
                self.enqueue(change.key, pod)
        else:
            self._remove(change.key)
            self._end_nomination(pod)

    def enqueue(self, at: Key, pod: Pod) -> None:
        """Makes a pending pod active, once its ResourceClaims exist."""
        if not self._gate.holds(at, pod):
            self._queue.add(at, pod.spec.priority)

    def _remove(self, at: Key) -> None:
        self._gate.forget(at)
        self._queue.remove(at)

    def is_pending(self, pod: Pod) -> bool:
        """Whether this scheduler is to find a node for the pod now."""
        spec = pod.spec
        is_ours = not spec.nodeName and spec.schedulerName in self._names
        return is_ours and not spec.schedulingGates and not pod.metadata.HasField("deletionTimestamp")

    def _ended(self, pod: Pod) -> None:
        row = self._snapshot.row(pod.spec.nodeName)
        if (assigned := self._snapshot.remove_pod(pod.metadata.uid)) is not None:
            # With nominated pods it depends on the pod how much is free for it: then this is left open.
            known_row = None if self._nominated_pods.any else row
            available = self._snapshot.resources.free_on(known_row) if known_row is not None else None
            lowest = min(self._snapshot.priorities, default=0)
            self._queue.handle_event(
                ClusterEvent(EventKind.ASSIGNED_POD_DELETE, pod=assigned, available=available, lowest_priority=lowest)
            )
        self._end_nomination(pod)

    def _end_nomination(self, pod: Pod) -> None:
        """The room that was kept for the pod is free for others."""
        if (info := self._nominated_pods.remove(pod.metadata.uid)) is not None:
            self._queue.handle_event(ClusterEvent(EventKind.ASSIGNED_POD_DELETE, pod=info))

    def _assigned(self, old: Pod | None, pod: Pod) -> None:
        """Kubelets often write the status of pods: only what plugins look at is an event."""
        was_assigned = old is not None and old.spec.nodeName == pod.spec.nodeName
        if old is not None and was_assigned and not _changed_for_plugins(old, pod):
            return
        self._nominated_pods.remove(pod.metadata.uid)
        info = pod_info(pod)
        self._snapshot.add_pod(info, pod.spec.nodeName)
        if was_assigned and old is not None:
            self._queue.handle_event(ClusterEvent(EventKind.ASSIGNED_POD_UPDATE, pod=info, old_pod=pod_info(old)))
        else:
            self._queue.handle_event(ClusterEvent(EventKind.ASSIGNED_POD_ADD, pod=info))


def _changed_for_plugins(old: Pod, new: Pod) -> bool:
    """Whether what plugins or a preemption look at in an assigned pod has changed."""
    before, after = old.metadata, new.metadata
    is_going = after.HasField("deletionTimestamp") != before.HasField("deletionTimestamp")
    same = before.labels == after.labels and old.status.startTime == new.status.startTime
    return is_going or not same or _is_resized(old, new)


def _is_resized(old: Pod, new: Pod) -> bool:
    """Whether the pod counts as more or less than before. Nearly always both count as what they ask for."""
    before, after = charged(old), charged(new)
    if before is old.spec and after is new.spec and old.metadata.generation == new.metadata.generation:
        return False
    return before != after


def _spec_changed(old: Pod, new: Pod) -> bool:
    """Whether what the pod asks for has changed. Of its status only the names of its ResourceClaims matter."""
    if old.spec != new.spec or old.metadata.labels != new.metadata.labels:
        return True
    return bool(new.spec.resourceClaims) and old.status.resourceClaimStatuses != new.status.resourceClaimStatuses
