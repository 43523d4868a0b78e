"""What keeps a pod from a node, as the kubelet judges it: room, labels, ports, taints that end pods. Pure.

Reasons and words are those of Kubernetes' kubelet (k8s.io/kubernetes/pkg/kubelet/lifecycle). Taints that only keep pods
from being scheduled, and a node that is cordoned, are the scheduler's: who names a node goes there in spite of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from podlab.api import podresources, quantity
from podlab.api.hostports import host_ports
from podlab.api.nodeselectors import matcher
from podlab.api.tolerations import tolerates
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.meta.v1 import meta_pb2

PODS = "pods"
_COUNTED = (PODS, "cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True)
class Unfit:
    """A property of the node that the pod cannot do with."""

    reason: str
    about: str

    @property
    def message(self) -> str:
        return f"Predicate {self.reason} failed: {self.about}"


@dataclass(frozen=True)
class Lack:
    """Too little of a resource: processors in thousandths, all else in units."""

    resource: str
    requested: int
    used: int
    capacity: int

    @property
    def reason(self) -> str:
        return f"OutOf{self.resource}"

    @property
    def message(self) -> str:
        numbers = f"requested: {self.requested}, used: {self.used}, capacity: {self.capacity}"
        return f"Node didn't have enough resource: {self.resource}, {numbers}"

    @property
    def missing(self) -> int:
        return self.requested - (self.capacity - self.used)


_AFFINITY = Unfit("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
_PORTS = Unfit("NodePorts", "node(s) didn't have free ports for the requested pod ports")
_TAINTS = Unfit("TaintToleration", "node(s) had taints that the pod didn't tolerate")


def obstacles(
    pod: pod_pb2.Pod,
    node: node_pb2.Node,
    allocatable: Mapping[str, meta_pb2.Quantity],
    others: Sequence[pod_pb2.Pod],
) -> list[Unfit | Lack]:
    """All of them, the one to be told first. `others` are the pods that have their place here."""
    found: list[Unfit | Lack] = list(_lacks(pod, allocatable, others))
    if not matcher(pod.spec).matches(node):
        found.append(_AFFINITY)
    if _collides(pod, others):
        found.append(_PORTS)
    if any(not _tolerated(taint, pod.spec.tolerations) for taint in node.spec.taints if taint.effect == "NoExecute"):
        found.append(_TAINTS)
    return found


def needs(pod: pod_pb2.Pod, resource: str) -> int:
    """How much of it the pod takes."""
    return 1 if resource == PODS else podresources.whole(pod.spec).get(resource, 0)


def _lacks(
    pod: pod_pb2.Pod, allocatable: Mapping[str, meta_pb2.Quantity], others: Iterable[pod_pb2.Pod]
) -> Iterator[Lack]:
    asked = {PODS: 1, **podresources.whole(pod.spec)}
    used = dict.fromkeys(asked, 0)
    for other in others:
        for name, amount in {PODS: 1, **podresources.whole(other.spec)}.items():
            if name in used:
                used[name] += amount
    extended = sorted(name for name in asked if "/" in name and name in allocatable)
    for name in (*(name for name in _COUNTED if name in asked), *extended):
        offered = podresources.rounded(name, quantity.parse(allocatable[name])) if name in allocatable else 0
        if asked[name] > offered - used[name]:
            yield Lack(name, asked[name], used[name], offered)


def _collides(pod: pod_pb2.Pod, others: Iterable[pod_pb2.Pod]) -> bool:
    wanted = tuple(host_ports(pod.spec))
    if not wanted:
        return False
    return any(mine.collides(taken) for other in others for taken in host_ports(other.spec) for mine in wanted)


def _tolerated(taint: node_pb2.Taint, tolerations: Iterable[pod_pb2.Toleration]) -> bool:
    return any(tolerates(toleration, taint) for toleration in tolerations)
