"""The predicates by which the kubelet admits a pod: resources, node affinity, host ports, NoExecute taints. Pure.

Reasons and words are those of Kubernetes' kubelet (k8s.io/kubernetes/pkg/kubelet/lifecycle). NoSchedule taints
and cordons are the scheduler's alone: a pod that names its node is admitted in spite of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from node.kubelet.pod import podspec
from podlab.api.pods import containers, podresources
from podlab.api.pods.hostports import host_ports
from podlab.api.pods.tolerations import tolerates
from podlab.api.selection.nodeselectors import matcher
from podlab.api.values import quantity
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.meta.v1 import meta_pb2

PODS = "pods"
_COUNTED = (PODS, "cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True)
class PredicateFailure:
    """The node does not match the pod."""

    reason: str
    description: str

    @property
    def message(self) -> str:
        return f"Predicate {self.reason} failed: {self.description}"


@dataclass(frozen=True)
class InsufficientResource:
    """The node has too little of a resource. CPU is counted in thousandths, all else in units."""

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
    def shortfall(self) -> int:
        return self.requested - (self.capacity - self.used)


Failure = PredicateFailure | InsufficientResource
_AFFINITY = PredicateFailure("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
_PORTS = PredicateFailure("NodePorts", "node(s) didn't have free ports for the requested pod ports")
_TAINTS = PredicateFailure("TaintToleration", "node(s) had taints that the pod didn't tolerate")


def unenforceable(pod: pod_pb2.Pod, node: node_pb2.Node, *, apparmor: bool) -> tuple[str, str] | None:
    """Reason and message of what the pod wants to be protected by and the node does not have; None when it has all.

    https://kubernetes.io/docs/tutorials/security/apparmor/
    https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#supplementalgroupspolicy
    """
    spec = pod.spec
    profiles = [
        spec.securityContext.appArmorProfile,
        *(each.securityContext.appArmorProfile for each in containers.every(spec)),
    ]
    if any(each.type not in ("", "Unconfined") for each in profiles) and not apparmor:
        return "AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host"
    if spec.securityContext.supplementalGroupsPolicy == "Strict" and not node.status.features.supplementalGroupsPolicy:
        return "SupplementalGroupsPolicyNotSupported", "SupplementalGroupsPolicy=Strict is not supported in this node"
    return None


def failed_predicates(
    pod: pod_pb2.Pod,
    node: node_pb2.Node,
    allocatable: Mapping[str, meta_pb2.Quantity],
    others: Sequence[pod_pb2.Pod],
) -> list[Failure]:
    """All that fail; the first is the reason for users. `others` are the pods that the node has admitted."""
    found: list[Failure] = list(insufficient_resources(pod, allocatable, others))
    if not matcher(pod.spec).matches(node):
        found.append(_AFFINITY)
    if _has_port_conflict(pod, others):
        found.append(_PORTS)
    taints = () if podspec.is_static(pod) else node.spec.taints
    if any(not _tolerated(taint, pod.spec.tolerations) for taint in taints if taint.effect == "NoExecute"):
        found.append(_TAINTS)
    return found


def pod_requests(pod: pod_pb2.Pod) -> dict[str, int]:
    """How much the pod requests, by resource."""
    return podresources.whole(pod.spec)


def pod_request(pod: pod_pb2.Pod, resource: str) -> int:
    """How much of the resource the pod requests."""
    return 1 if resource == PODS else podresources.whole(pod.spec).get(resource, 0)


def insufficient_resources(
    pod: pod_pb2.Pod, allocatable: Mapping[str, meta_pb2.Quantity], others: Iterable[pod_pb2.Pod]
) -> Iterator[InsufficientResource]:
    """What the pod needs more of than the others leave."""
    requested = {PODS: 1, **pod_requests(pod)}
    used = dict.fromkeys(requested, 0)
    for other in others:
        for name, amount in {PODS: 1, **pod_requests(other)}.items():
            if name in used:
                used[name] += amount
    extended = sorted(name for name in requested if "/" in name and name in allocatable)
    pages = sorted(name for name in requested if name.startswith(podresources.HUGE_PAGES))
    for name in (*(name for name in _COUNTED if name in requested), *pages, *extended):
        capacity = podresources.rounded(name, quantity.parse(allocatable[name])) if name in allocatable else 0
        if requested[name] > capacity - used[name]:
            yield InsufficientResource(name, requested=requested[name], used=used[name], capacity=capacity)


def _has_port_conflict(pod: pod_pb2.Pod, others: Iterable[pod_pb2.Pod]) -> bool:
    requested = tuple(host_ports(pod.spec))
    if not requested:
        return False
    return any(port.collides(used) for other in others for used in host_ports(other.spec) for port in requested)


def _tolerated(taint: node_pb2.Taint, tolerations: Iterable[pod_pb2.Toleration]) -> bool:
    return any(tolerates(toleration, taint) for toleration in tolerations)
