"""What a pod counts as while its resources change: what it asks for, what its node has set aside for it and what its
containers run with, whichever is more.

https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
"""

from __future__ import annotations

from collections.abc import Mapping

from podlab.api.objects import condition
from podlab.api.values import quantity
from podlab.core.v1.pod_pb2 import ContainerStatus, Pod, PodSpec, PodStatus, ResourceRequirements
from podlab.meta.v1.meta_pb2 import Quantity

PENDING, IN_PROGRESS = "PodResizePending", "PodResizeInProgress"
DEFERRED, INFEASIBLE, ERROR = "Deferred", "Infeasible", "Error"

Requests = Mapping[str, Quantity]


def charged(pod: Pod) -> PodSpec:
    """The pod's spec with the requests that it counts as: the spec itself where its node has nothing else to tell."""
    told = {
        each.name: each
        for statuses in (pod.status.containerStatuses, pod.status.initContainerStatuses)
        for each in statuses
        if each.allocatedResources or each.resources.requests
    }
    containers = [*pod.spec.containers, *pod.spec.initContainers] if told else []
    whole_agrees = not pod.spec.HasField("resources") or _agree(pod.spec.resources.requests, pod.status)
    if whole_agrees and all(
        each.name not in told or _agree(each.resources.requests, told[each.name]) for each in containers
    ):
        return pod.spec
    spec = PodSpec()
    spec.CopyFrom(pod.spec)
    never = is_infeasible(pod)
    if not whole_agrees:
        _raise(spec.resources, pod.status, never=never)
    for container in (*spec.containers, *spec.initContainers):
        if container.name in told:
            _raise(container.resources, told[container.name], never=never)
    return spec


def is_infeasible(pod: Pod) -> bool:
    """Whether its node can never give it what it asks for now."""
    pending = condition(pod.status.conditions, PENDING)
    return pending is not None and pending.reason == INFEASIBLE


def _raise(resources: ResourceRequirements, status: ContainerStatus | PodStatus, *, never: bool) -> None:
    asked = {name: _copy(amount) for name, amount in resources.requests.items()}
    most = _most({} if never else asked, status.allocatedResources, status.resources.requests)
    for name, amount in {**asked, **most}.items():
        resources.requests[name].CopyFrom(amount)


def _agree(asked: Requests, status: ContainerStatus | PodStatus) -> bool:
    """Whether the node has set aside what is asked for, and it runs with that."""
    return all(
        name in asked and asked[name] == amount
        for told in (status.allocatedResources, status.resources.requests)
        for name, amount in told.items()
    )


def _copy(amount: Quantity) -> Quantity:
    return Quantity(string=amount.string)


def _most(*sides: Requests) -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    for side in sides:
        for name, amount in side.items():
            if name not in found or quantity.parse(amount) > quantity.parse(found[name]):
                found[name] = amount
    return found
