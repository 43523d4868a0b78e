"""Who has a place on the node: pods that are bound to it get one, or fail with a reason.

Who has a place keeps it: a pod that this node has begun is not judged again, by this kubelet or a later one. That it
has begun shows in the runtime, and in the start time that the kubelet writes first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from node.kubelet.admission import preemption
from node.kubelet.admission.predicates import Lack, Unfit, obstacles
from node.kubelet.admission.preemption import NoRoomError
from node.kubelet.pod.pod_outcome import Outcome
from podlab.api import usage
from podlab.client.client import Client
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import NotFound
from podlab.meta.v1 import meta_pb2

log = logging.getLogger(__name__)

PREEMPTED = Outcome("Failed", "Preempting", "Preempted in order to admit critical pod")
Preempt = Callable[[str, Outcome], None]


@dataclass
class Places:
    """`pods` gives those bound to the node, `node` what is known of it now; both may lag.

    `itself` is the node as this kubelet would register it, for as long as the API has none.
    """

    client: Client
    itself: node_pb2.Node
    allocatable: Mapping[str, meta_pb2.Quantity]
    node: Callable[[], node_pb2.Node | None]
    pods: Callable[[], Iterable[pod_pb2.Pod]]
    _placed: set[str] = field(default_factory=set)
    _leaving: set[str] = field(default_factory=set)
    _looked: asyncio.Event = field(default_factory=asyncio.Event)
    _handlers: list[Preempt] = field(default_factory=list)

    def on_preempt(self, handler: Preempt) -> None:
        """Calls `handler` with the uid of a pod that has to give way, and how it ends."""
        self._handlers.append(handler)

    def begun(self, uids: Iterable[str]) -> None:
        """What the runtime has: nobody new gets a place before it was looked at once."""
        if not self._looked.is_set():
            self._placed |= set(uids)
            self._looked.set()

    def forget(self, uid: str) -> None:
        """The pod has left the node."""
        self._placed.discard(uid)
        self._leaving.discard(uid)

    async def ask(self, pod: pod_pb2.Pod) -> Outcome | None:
        """How the pod ends without having begun; None when it has its place. Raises ApiError."""
        await self._looked.wait()
        if pod.metadata.uid in self._placed or pod.status.HasField("startTime"):
            self._placed.add(pod.metadata.uid)
            return None
        if not self._obstacles(pod, self.node() or self.itself):
            self._placed.add(pod.metadata.uid)
            return None
        # The scheduler may have seen a change of the node, or of a pod that has ended, before this kubelet.
        node = await self._now()
        found = self._obstacles(pod, node)
        if found and preemption.is_critical(pod):
            return self._make_room(pod, found)
        if found:
            return Outcome("Failed", found[0].reason, found[0].message)
        self._placed.add(pod.metadata.uid)
        return None

    async def _now(self) -> node_pb2.Node:
        try:
            return await self.client.get(node_pb2.Node, self.itself.metadata.name)
        except NotFound:
            return self.itself

    def _obstacles(self, pod: pod_pb2.Pod, node: node_pb2.Node) -> list[Unfit | Lack]:
        # What others advertise on the node is known there, what is the kubelet's own is known best here.
        allocatable = {**node.status.allocatable, **self.allocatable}
        return obstacles(pod, node, allocatable, self._others(pod))

    def _others(self, pod: pod_pb2.Pod) -> list[pod_pb2.Pod]:
        return [other for other in self.pods() if other.metadata.uid != pod.metadata.uid and self._stays(other)]

    def _stays(self, pod: pod_pb2.Pod) -> bool:
        uid = pod.metadata.uid
        has_begun = uid in self._placed or pod.status.HasField("startTime")
        return has_begun and uid not in self._leaving and not usage.is_over(pod)

    def _make_room(self, pod: pod_pb2.Pod, found: list[Unfit | Lack]) -> Outcome | None:
        """A critical pod is refused for what the node is, never for what it has too little of."""
        for each in found:
            if isinstance(each, Unfit):
                return Outcome("Failed", each.reason, each.message)
        wants = {each.resource: each.missing for each in found if isinstance(each, Lack)}
        try:
            victims = preemption.victims(pod, self._others(pod), wants)
        except NoRoomError as error:
            why = f"preemption: error finding a set of pods to preempt: {error}"
            about = "Unexpected error while attempting to recover from admission failure"
            return Outcome("Failed", "UnexpectedAdmissionError", f"{about}: {why}")
        for victim in victims:
            log.info("pod %s gives way to critical pod %s", victim.metadata.name, pod.metadata.name)
            self._leaving.add(victim.metadata.uid)
            for handler in self._handlers:
                handler(victim.metadata.uid, PREEMPTED)
        self._placed.add(pod.metadata.uid)
        return None
