"""Admits the pods that are bound to the node, or says why they fail.

A pod that was admitted is not judged again, by this kubelet or a restarted one: the runtime has it, or it has the start
time that the kubelet writes first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from node.kubelet.admission import preemption
from node.kubelet.admission.predicates import Failure, InsufficientResource, PredicateFailure, failed_predicates
from node.kubelet.admission.preemption import PreemptionFailed
from node.kubelet.pod.pod_outcome import PodOutcome
from podlab.api.pods import sysctls
from podlab.api.pods.podphase import is_terminal
from podlab.client.client import Client
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import NotFound
from podlab.meta.v1 import meta_pb2

log = logging.getLogger(__name__)

PREEMPTED = PodOutcome("Failed", "Preempting", "Preempted in order to admit critical pod")
Preempt = Callable[[str, PodOutcome], None]


@dataclass
class PodAdmission:
    """`pods` gives those bound to the node, `node` what is known of it now; both may lag.

    `own_node` is the node as this kubelet registers it, for as long as the API has none.
    """

    client: Client
    own_node: node_pb2.Node
    allocatable: Mapping[str, meta_pb2.Quantity]
    node: Callable[[], node_pb2.Node | None]
    pods: Callable[[], Iterable[pod_pb2.Pod]]
    _admitted: set[str] = field(default_factory=set)
    _preempted: set[str] = field(default_factory=set)
    _listed: asyncio.Event = field(default_factory=asyncio.Event)
    _handlers: list[Preempt] = field(default_factory=list)

    def on_preempt(self, handler: Preempt) -> None:
        """Calls `handler` with the uid of a pod that is preempted, and its outcome."""
        self._handlers.append(handler)

    def runtime_listed(self, uids: Iterable[str]) -> None:
        """The pods that the runtime has. No pod is admitted before the first list."""
        if not self._listed.is_set():
            self._admitted |= set(uids)
            self._listed.set()

    def forget(self, uid: str) -> None:
        """The pod has left the node."""
        self._admitted.discard(uid)
        self._preempted.discard(uid)

    async def admit(self, pod: pod_pb2.Pod) -> PodOutcome | None:
        """None when the pod is admitted, else how it ends without having run. Raises ApiError."""
        await self._listed.wait()
        if pod.metadata.uid in self._admitted or pod.status.HasField("startTime"):
            self._admitted.add(pod.metadata.uid)
            return None
        if forbidden := sysctls.forbidden(pod.spec):
            return PodOutcome("Failed", sysctls.FORBIDDEN, f"forbidden sysctl: {forbidden}")
        if not self._failed_predicates(pod, self.node() or self.own_node):
            self._admitted.add(pod.metadata.uid)
            return None
        # The scheduler may know of a changed node, or of an ended pod, before this kubelet.
        node = await self._current_node()
        found = self._failed_predicates(pod, node)
        if found and preemption.is_critical(pod):
            return self._preempt_for(pod, found)
        if found:
            return PodOutcome("Failed", found[0].reason, found[0].message)
        self._admitted.add(pod.metadata.uid)
        return None

    async def _current_node(self) -> node_pb2.Node:
        try:
            return await self.client.get(node_pb2.Node, self.own_node.metadata.name)
        except NotFound:
            return self.own_node

    def _failed_predicates(
        self, pod: pod_pb2.Pod, node: node_pb2.Node
    ) -> list[PredicateFailure | InsufficientResource]:
        # Extended resources, which others advertise, are in the API; the kubelet knows its own best.
        allocatable = {**node.status.allocatable, **self.allocatable}
        return failed_predicates(pod, node, allocatable, self._others(pod))

    def _others(self, pod: pod_pb2.Pod) -> list[pod_pb2.Pod]:
        return [other for other in self.pods() if other.metadata.uid != pod.metadata.uid and self._is_admitted(other)]

    def _is_admitted(self, pod: pod_pb2.Pod) -> bool:
        uid = pod.metadata.uid
        is_admitted = uid in self._admitted or pod.status.HasField("startTime")
        return is_admitted and uid not in self._preempted and not is_terminal(pod)

    def _preempt_for(self, pod: pod_pb2.Pod, found: list[Failure]) -> PodOutcome | None:
        """A critical pod fails when the node does not match it. Resources that it lacks are taken from other pods."""
        for each in found:
            if isinstance(each, PredicateFailure):
                return PodOutcome("Failed", each.reason, each.message)
        shortfall = {each.resource: each.shortfall for each in found if isinstance(each, InsufficientResource)}
        try:
            victims = preemption.victims(pod, self._others(pod), shortfall)
        except PreemptionFailed as error:
            cause = f"preemption: error finding a set of pods to preempt: {error}"
            message = f"Unexpected error while attempting to recover from admission failure: {cause}"
            return PodOutcome("Failed", "UnexpectedAdmissionError", message)
        for victim in victims:
            log.info("pod %s is preempted for critical pod %s", victim.metadata.name, pod.metadata.name)
            self._preempted.add(victim.metadata.uid)
            for handler in self._handlers:
                handler(victim.metadata.uid, PREEMPTED)
        self._admitted.add(pod.metadata.uid)
        return None
