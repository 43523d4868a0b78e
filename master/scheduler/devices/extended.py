"""Extended resources that stand for devices: which class each is of, and the claim of a pod that requests some.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/5004-dra-extended-resource
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from podlab.api.values import quantity
from podlab.core.v1.pod_pb2 import Container, ContainerExtendedResourceRequest, Pod
from podlab.resource.v1.deviceclass_pb2 import DeviceClass
from podlab.resource.v1.resourceclaim_pb2 import DeviceRequest, ResourceClaim

EXTENDED_CLAIM = "resource.kubernetes.io/extended-resource-claim"
"""The annotation of a claim that was made for a pod's extended resources."""
IMPLICIT = "deviceclass.resource.kubernetes.io/"
"""Before the name of any class, it is an extended resource too."""


@dataclass(frozen=True)
class ExtendedClaim:
    """The claim to be created for a pod, and which of its requests each container's resource is."""

    claim: ResourceClaim
    mappings: Sequence[ContainerExtendedResourceRequest]


def classes_by_resource(classes: Iterable[DeviceClass]) -> dict[str, str]:
    """The class of each extended resource. Of several that name it, the newest is meant, and then the first by name."""
    found: dict[str, str] = {}
    by_age = sorted(classes, key=lambda each: each.metadata.name, reverse=True)
    for each in sorted(by_age, key=lambda each: each.metadata.creationTimestamp.seconds):
        if each.spec.extendedResourceName:
            found[each.spec.extendedResourceName] = each.metadata.name
        found[IMPLICIT + each.metadata.name] = each.metadata.name
    return found


def is_extended_claim(claim: ResourceClaim) -> bool:
    """Whether it was made for extended resources of a pod."""
    return claim.metadata.annotations.get(EXTENDED_CLAIM) == "true"


def extended_claim(pod: Pod, classes: Mapping[str, str]) -> ExtendedClaim:
    """The claim for these resources of the pod, which are given with their classes. Its uid stands for none yet."""
    claim = ResourceClaim()
    metadata = claim.metadata
    metadata.namespace, metadata.generateName = pod.metadata.namespace, f"{pod.metadata.name}-extended-resources-"
    metadata.uid = f"extended/{pod.metadata.uid}"
    metadata.annotations[EXTENDED_CLAIM] = "true"
    metadata.ownerReferences.add(
        apiVersion="v1", kind="Pod", name=pod.metadata.name, uid=pod.metadata.uid, controller=True
    )
    mappings: list[ContainerExtendedResourceRequest] = []
    requests: list[DeviceRequest] = []
    for resource, device_class in sorted(classes.items()):
        made = _of_resource(pod, resource, device_class)
        requests += made.requests
        mappings += made.mappings
    claim.spec.devices.requests.extend(sorted(requests, key=lambda each: each.name))
    return ExtendedClaim(claim, mappings)


@dataclass(frozen=True)
class _Made:
    requests: Sequence[DeviceRequest]
    mappings: Sequence[ContainerExtendedResourceRequest]


def _of_resource(pod: Pod, resource: str, device_class: str) -> _Made:
    """What runs all the time has devices of its own; init containers use those of later ones, and share the rest."""
    containers = [*pod.spec.initContainers, *pod.spec.containers]
    passing = {place for place, each in enumerate(pod.spec.initContainers) if each.restartPolicy != "Always"}
    lasting: dict[int, DeviceRequest] = {}
    mappings: list[ContainerExtendedResourceRequest] = []
    for place, container in enumerate(containers):
        amount = _amount(container, resource)
        if amount and place not in passing:
            lasting[place] = _request(place, container, resource, device_class, amount)
            mappings.append(_mapping(container, resource, lasting[place]))
    shared: DeviceRequest | None = None
    own = list(_own_requests(containers, passing, lasting, resource, device_class))
    for _, request in own:
        if request is not None and (shared is None or shared.exactly.count < request.exactly.count):
            shared = request
    for place, request in own:
        later = [lasting[each] for each in sorted(lasting) if each >= place]
        used = _enough_of(later, _amount(containers[place], resource))
        mappings += [_mapping(containers[place], resource, each) for each in used]
        if request is not None and shared is not None:
            mappings.append(_mapping(containers[place], resource, shared))
    return _Made([*([shared] if shared is not None else []), *lasting.values()], mappings)


def _own_requests(
    containers: Sequence[Container],
    passing: Collection[int],
    lasting: Mapping[int, DeviceRequest],
    resource: str,
    device_class: str,
) -> Iterator[tuple[int, DeviceRequest | None]]:
    """What each init container needs besides the devices of later containers; None for nothing."""
    for place in sorted(passing):
        amount = _amount(containers[place], resource)
        if not amount:
            continue
        later = sum(request.exactly.count for at, request in lasting.items() if at >= place)
        missing = amount - later
        yield place, _request(place, containers[place], resource, device_class, missing) if missing > 0 else None


def _enough_of(requests: Iterable[DeviceRequest], amount: int) -> Iterator[DeviceRequest]:
    for each in requests:
        if amount <= 0:
            return
        yield each
        amount -= each.exactly.count


def _request(place: int, container: Container, resource: str, device_class: str, count: int) -> DeviceRequest:
    number = sorted(container.resources.requests).index(resource)
    made = DeviceRequest(name=f"container-{place}-request-{number}")
    made.exactly.deviceClassName, made.exactly.allocationMode, made.exactly.count = device_class, "ExactCount", count
    return made


def _mapping(container: Container, resource: str, request: DeviceRequest) -> ContainerExtendedResourceRequest:
    return ContainerExtendedResourceRequest(
        containerName=container.name, resourceName=resource, requestName=request.name
    )


def _amount(container: Container, resource: str) -> int:
    requests = container.resources.requests
    return quantity.value(requests[resource]) if resource in requests else 0
