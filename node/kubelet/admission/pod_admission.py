"""Admits the pods that are bound to the node, or says why they fail.

A pod that was admitted is not judged again, by this kubelet or a restarted one: the runtime has it, or it has the start
time that the kubelet writes first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from node.kubelet.admission import predicates, preemption, pressure
from node.kubelet.admission.allocations import Allocations
from node.kubelet.admission.predicates import (
    Failure,
    InsufficientResource,
    PredicateFailure,
    failed_predicates,
    insufficient_resources,
    pod_requests,
)
from node.kubelet.admission.preemption import PreemptionFailed
from node.kubelet.cpus.exclusive import CpuError
from node.kubelet.cpus.manager import CpuManager
from node.kubelet.deviceplugins.manager import DeviceManager
from node.kubelet.deviceplugins.plugin import DeviceError
from node.kubelet.numa import alignment
from node.kubelet.numa.alignment import Alignment, TopologyAffinityError
from node.kubelet.pod.pod_notes import PendingResize
from node.kubelet.pod.pod_outcome import PodOutcome
from podlab.api.pods import podresources, sysctls
from podlab.api.pods.allocated import DEFERRED, INFEASIBLE
from podlab.api.pods.podphase import is_terminal
from podlab.api.pods.qos import GUARANTEED, qos_class
from podlab.api.values import quantity
from podlab.client.client import Client
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import NotFound, ServiceUnavailable
from podlab.meta.v1 import meta_pb2

log = logging.getLogger(__name__)

_STATIC = 'CPU Manager policy "static"'
UNEXPECTED = "UnexpectedAdmissionError"
PREEMPTED = PodOutcome("Failed", "Preempting", "Preempted in order to admit critical pod", disrupts=True)
Preempt = Callable[[str, PodOutcome], None]


@dataclass
class PodAdmission:
    """`pods` gives those bound to the node, `node` what is known of it now; both may lag.

    `own_node` is the node as this kubelet registers it, for as long as the API has none. `apparmor`: whether the node's
    kernel has it.
    """

    client: Client
    own_node: node_pb2.Node
    allocatable: Mapping[str, meta_pb2.Quantity]
    node: Callable[[], node_pb2.Node | None]
    pods: Callable[[], Iterable[pod_pb2.Pod]]
    devices: DeviceManager
    cpus: CpuManager
    alignment: Alignment
    pressures: Callable[[], Collection[str]] = frozenset
    """The node's conditions of pressure that are true now."""
    refusal: Callable[[], PodOutcome | None] = lambda: None
    """How any pod ends that comes now; None when pods may come."""
    apparmor: bool = False
    allocations: Allocations = field(default_factory=Allocations)
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
        self.allocations.forget(uid)

    async def admit(self, pod: pod_pb2.Pod) -> PodOutcome | None:
        """None when the pod is admitted, else how it ends without having run. Raises ApiError."""
        await self._listed.wait()
        if pod.metadata.uid in self._admitted or pod.status.HasField("startTime"):
            self._admitted.add(pod.metadata.uid)
            return None
        if forbidden := sysctls.forbidden(pod.spec):
            return PodOutcome("Failed", sysctls.FORBIDDEN, f"forbidden sysctl: {forbidden}")
        if (refused := self.refusal()) is not None:
            return refused
        if conditions := pressure.refusing(pod, self.pressures()):
            return PodOutcome("Failed", pressure.REASON, pressure.message(conditions))
        if unenforceable := predicates.unenforceable(pod, self.node() or self.own_node, apparmor=self.apparmor):
            return PodOutcome("Failed", *unenforceable)
        try:
            await self.alignment.allocate(pod)
        except TopologyAffinityError as error:
            self._release(pod)
            return PodOutcome("Failed", alignment.REASON, str(error))
        except (DeviceError, CpuError) as error:
            self._release(pod)
            return PodOutcome("Failed", UNEXPECTED, f"Allocate failed due to {error}, which is unexpected")
        outcome = await self._judge(pod)
        if outcome is not None:
            self._release(pod)
        return outcome

    def _release(self, pod: pod_pb2.Pod) -> None:
        self.devices.release(pod.metadata.uid)
        self.cpus.release(pod.metadata.uid)

    async def _judge(self, pod: pod_pb2.Pod) -> PodOutcome | None:
        if not self._failed_predicates(pod, self.node() or self.own_node):
            self._admit(pod)
            return None
        # The scheduler may know of a changed node, or of an ended pod, before this kubelet.
        node = await self._current_node()
        found = self._failed_predicates(pod, node)
        if found and preemption.is_critical(pod):
            return self._preempt_for(pod, found)
        if found:
            return PodOutcome("Failed", found[0].reason, found[0].message)
        self._admit(pod)
        return None

    def resize(self, pod: pod_pb2.Pod) -> PendingResize | None:
        """None when the admitted pod has from now on what it asks for, else why it keeps what it has."""
        why = self._why_not(pod)
        if why is None:
            self.allocations.accept(pod)
        return why

    def _why_not(self, pod: pod_pb2.Pod) -> PendingResize | None:
        allocatable = self.allocatable
        if self.cpus.is_static and qos_class(pod.spec) == GUARANTEED:
            return PendingResize(INFEASIBLE, f"Resize is infeasible for Guaranteed Pods alongside {_STATIC}")
        before, after = pod_requests(self.allocations.applied(pod)), pod_requests(pod)
        for name in ("memory", "cpu"):
            capacity = podresources.rounded(name, quantity.parse(allocatable[name]))
            if after.get(name, 0) > capacity:
                told = f"{name}, requested: {after[name]}, capacity: {capacity}"
                return PendingResize(INFEASIBLE, f"Node didn't have enough capacity: {told}")
        if all(after.get(name, 0) <= before.get(name, 0) for name in ("memory", "cpu")):
            return None  # who needs less helps an overcommitted node
        lacking = insufficient_resources(pod, allocatable, self._others(pod))
        found = next((each for each in lacking if each.resource in ("cpu", "memory")), None)
        return PendingResize(DEFERRED, found.message) if found is not None else None

    def _admit(self, pod: pod_pb2.Pod) -> None:
        self._admitted.add(pod.metadata.uid)
        self.allocations.accept(pod)

    async def _current_node(self) -> node_pb2.Node:
        try:
            return await self.client.get(node_pb2.Node, self.own_node.metadata.name)
        except NotFound:
            return self.own_node
        except ServiceUnavailable:  # then it has bound no pod either of which this kubelet does not know
            return self.node() or self.own_node

    def _failed_predicates(
        self, pod: pod_pb2.Pod, node: node_pb2.Node
    ) -> list[PredicateFailure | InsufficientResource]:
        # Extended resources, which others advertise, are in the API; the kubelet knows its own best.
        allocatable = {**node.status.allocatable, **self.allocatable}
        for name in self.devices.offers.resources & allocatable.keys():
            del allocatable[name]  # of those the pod has all by now
        return failed_predicates(pod, node, allocatable, self._others(pod))

    def _others(self, pod: pod_pb2.Pod) -> list[pod_pb2.Pod]:
        others = (other for other in self.pods() if other.metadata.uid != pod.metadata.uid)
        return [self.allocations.applied(other) for other in others if self._is_admitted(other)]

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
            return PodOutcome("Failed", UNEXPECTED, message)
        for victim in victims:
            log.info("pod %s is preempted for critical pod %s", victim.metadata.name, pod.metadata.name)
            self._preempted.add(victim.metadata.uid)
            for handler in self._handlers:
                handler(victim.metadata.uid, PREEMPTED)
        self._admit(pod)
        return None
