"""The ResourceClaims behind a pod's claims of devices: which they are, whether they are its own, and who may use them.

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from podlab.api.objects import controller_of
from podlab.core.v1 import pod_pb2
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim, ResourceClaimConsumerReference

FINALIZER = "resource.kubernetes.io/delete-protection"
"""On a claim: it has devices, and stays until they are given back."""
POD_CLAIM_ANNOTATION = "resource.kubernetes.io/pod-claim-name"
"""On a claim that was made for a pod: the pod's name for it."""
MOST_CONSUMERS = 256
"""So many pods can use a claim at once."""


@dataclass(frozen=True, slots=True)
class NamedClaim:
    """A ResourceClaim by name. One that was made for the pod has to be owned by it."""

    name: str
    own: bool


class NotCreatedYet(Exception):
    """The claim that is made from a template is not there yet, or not yet known to the pod."""


def named(pod: pod_pb2.Pod, claim: pod_pb2.PodResourceClaim) -> NamedClaim | None:
    """The ResourceClaim behind one of the pod's claims; None where none is needed. Raises NotCreatedYet."""
    if claim.HasField("resourceClaimName"):
        return NamedClaim(claim.resourceClaimName, own=False)
    for made in pod.status.resourceClaimStatuses:
        if made.name == claim.name:
            return NamedClaim(made.resourceClaimName, own=True) if made.HasField("resourceClaimName") else None
    raise NotCreatedYet(f'pod "{pod.metadata.namespace}/{pod.metadata.name}": ResourceClaim not created yet')


def known(pod: pod_pb2.Pod) -> Iterator[NamedClaim]:
    """Those of the pod that are known by name: not the ones that have yet to be made."""
    for claim in pod.spec.resourceClaims:
        try:
            found = named(pod, claim)
        except NotCreatedYet:
            continue
        if found is not None:
            yield found
    if (made := of_extended_resources(pod)) is not None:
        yield made


def of_extended_resources(pod: pod_pb2.Pod) -> NamedClaim | None:
    """The ResourceClaim that the scheduler made for extended resources of the pod that stand for devices."""
    if not pod.status.HasField("extendedResourceClaimStatus"):
        return None
    return NamedClaim(pod.status.extendedResourceClaimStatus.resourceClaimName, own=True)


def why_foreign(pod: pod_pb2.Pod, claim: ResourceClaim) -> str:
    """Why the claim is none that was made for the pod, in Kubernetes' words; empty when it is one."""
    owner = controller_of(claim.metadata)
    if owner is not None and owner.uid == pod.metadata.uid:
        return ""
    name, about = f"{claim.metadata.namespace}/{claim.metadata.name}", f"{pod.metadata.namespace}/{pod.metadata.name}"
    return f"ResourceClaim {name} was not created for pod {about} (pod is not owner)"


def is_pod(consumer: ResourceClaimConsumerReference) -> bool:
    """Whether a pod is meant; other consumers are for others to know."""
    return (consumer.apiGroup, consumer.resource) == ("", "pods")


def is_reserved_for(pod: pod_pb2.Pod, claim: ResourceClaim) -> bool:
    """Whether the pod may use the claim."""
    return any(is_pod(consumer) and consumer.uid == pod.metadata.uid for consumer in claim.status.reservedFor)


def can_be_reserved(claim: ResourceClaim) -> bool:
    """Whether one more may use it."""
    return len(claim.status.reservedFor) < MOST_CONSUMERS


def reference_to(pod: pod_pb2.Pod) -> ResourceClaimConsumerReference:
    """The pod as a consumer of a claim."""
    return ResourceClaimConsumerReference(resource="pods", name=pod.metadata.name, uid=pod.metadata.uid)
