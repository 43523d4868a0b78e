"""What the informers tell, taken into the snapshot and the queue."""

from __future__ import annotations

from collections.abc import Container

from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.preemption.nominated_pods import Nominations
from master.scheduler.queue import cluster_events
from master.scheduler.queue.cluster_events import Event, What
from master.scheduler.queue.scheduling_queue import SchedulingQueue
from podlab.client.informer import Change
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod


class Intake:
    """Handlers of nodes and pods. Pods that name a scheduler which is none of `names` are left alone."""

    def __init__(
        self, names: Container[str], snapshot: Snapshot, queue: SchedulingQueue, nominations: Nominations
    ) -> None:
        self._names = names
        self._snapshot = snapshot
        self._queue = queue
        self._nominations = nominations

    def node_changed(self, change: Change[Node]) -> None:
        """A node is new, other than before, or gone."""
        if change.new is None:
            self._snapshot.remove_node(change.key.name)
            self._queue.happened(Event(What.NODE_REMOVED, node=change.old))
            return
        self._snapshot.set_node(change.new)
        row = self._snapshot.row(change.key.name)
        room = self._snapshot.resources.offered(row) if row is not None else None
        for event in cluster_events.node_events(change.old, change.new, room):
            self._queue.happened(event)

    def pod_changed(self, change: Change[Pod]) -> None:
        """A pod is new, other than before, or gone."""
        old, pod = change.old, change.new
        if old is not None and pod is not None and old.metadata.uid != pod.metadata.uid:
            # A list told of another pod of the same name: the first one went unseen.
            self.pod_changed(Change(change.key, old, None))
            self.pod_changed(Change(change.key, None, pod))
        elif pod is None or pod.status.phase in ("Succeeded", "Failed"):
            self._queue.remove(change.key)
            if (gone := pod or old) is not None:
                self._left(gone)
        elif pod.spec.nodeName:
            self._queue.remove(change.key)
            self._stands(old, pod)
        elif self.waits(pod):
            if pod.status.nominatedNodeName and old is None:
                self._nominations.nominate(pod_info(pod), pod.status.nominatedNodeName)
            if old is None or _asks_otherwise(old, pod):
                self._queue.add(change.key, pod.spec.priority)
        else:
            self._queue.remove(change.key)
            self._given_up(pod)

    def waits(self, pod: Pod) -> bool:
        """Whether a node is to be found for the pod: by us, now."""
        spec = pod.spec
        is_ours = not spec.nodeName and spec.schedulerName in self._names
        return is_ours and not spec.schedulingGates and not pod.metadata.HasField("deletionTimestamp")

    def _left(self, pod: Pod) -> None:
        row = self._snapshot.row(pod.spec.nodeName)
        if (stood := self._snapshot.remove_pod(pod.metadata.uid)) is not None:
            # Room that is kept for others may be had by who is more important than these: then it is not told.
            room = None if row is None or self._nominations.any else self._snapshot.resources.free(row)
            least = min(self._snapshot.priorities, default=0)
            self._queue.happened(Event(What.POD_GONE, pod=stood, room=room, least_priority=least))
        self._given_up(pod)

    def _given_up(self, pod: Pod) -> None:
        """What was kept for the pod is free."""
        if (info := self._nominations.forget(pod.metadata.uid)) is not None:
            self._queue.happened(Event(What.POD_GONE, pod=info))

    def _stands(self, old: Pod | None, pod: Pod) -> None:
        """Of a pod that stands where it stood, only what plugins look at counts: a kubelet writes its status often."""
        stood = old is not None and old.spec.nodeName == pod.spec.nodeName
        if old is not None and stood and not _looks_otherwise(old, pod):
            return
        self._nominations.forget(pod.metadata.uid)
        info = pod_info(pod)
        self._snapshot.place(info, pod.spec.nodeName)
        if stood and old is not None:
            self._queue.happened(Event(What.POD_LABELS, pod=info, pod_before=pod_info(old)))
        else:
            self._queue.happened(Event(What.POD_PLACED, pod=info))


def _looks_otherwise(old: Pod, new: Pod) -> bool:
    """Whether plugins, or a preemption, may see the pod on its node otherwise than before."""
    before, after = old.metadata, new.metadata
    is_going = after.HasField("deletionTimestamp") != before.HasField("deletionTimestamp")
    return is_going or before.labels != after.labels or old.status.startTime != new.status.startTime


def _asks_otherwise(old: Pod, new: Pod) -> bool:
    """Whether the pod asks for something else than before (its status does not matter)."""
    return old.spec != new.spec or old.metadata.labels != new.metadata.labels
