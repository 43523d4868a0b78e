"""The allocated ResourceClaims of a pod, read by name: a node may read those of its own pods and no others."""

from __future__ import annotations

from collections.abc import Iterator

from podlab.api.pods import resourceclaims
from podlab.api.pods.resourceclaims import NamedClaim, NotCreatedYet
from podlab.client.client import Client
from podlab.core.v1 import pod_pb2
from podlab.errors import Forbidden, NotFound
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim


class PreparationError(Exception):
    """Why the devices of a pod cannot be used yet, in Kubernetes' words."""


async def read(client: Client, pod: pod_pb2.Pod) -> list[ResourceClaim]:
    """Those that have to be prepared for the pod. Raises PreparationError for one that the pod may not use, and
    ApiError."""
    return [await _read(client, pod, named) for named in _named(pod)]


def why_unusable(pod: pod_pb2.Pod, named: NamedClaim, claim: ResourceClaim) -> str:
    """Why the pod may not use the claim; empty when it may."""
    if named.own and (why := resourceclaims.why_foreign(pod, claim)):
        return why
    if not resourceclaims.is_reserved_for(pod, claim):
        who = f"pod {pod.metadata.name} ({pod.metadata.uid})"
        return f"{who} is not allowed to use ResourceClaim {named.name} ({claim.metadata.uid})"
    return "" if claim.status.HasField("allocation") else f"ResourceClaim {named.name}: not allocated"


def used_by(pod: pod_pb2.Pod, container: pod_pb2.Container) -> Iterator[tuple[str, str]]:
    """The ResourceClaims that the container uses, and which request of each; empty for all of them."""
    by_name = {claim.name: claim for claim in pod.spec.resourceClaims}
    for used in container.resources.claims:
        named = resourceclaims.named(pod, by_name[used.name])
        if named is not None:
            yield named.name, used.request
    made = pod.status.extendedResourceClaimStatus
    for mapping in made.requestMappings:
        if mapping.containerName == container.name and mapping.resourceName in container.resources.requests:
            yield made.resourceClaimName, mapping.requestName


def _named(pod: pod_pb2.Pod) -> list[NamedClaim]:
    try:
        found = [resourceclaims.named(pod, claim) for claim in pod.spec.resourceClaims]
    except NotCreatedYet as error:
        raise PreparationError(str(error)) from error
    return [named for named in (*found, resourceclaims.of_extended_resources(pod)) if named is not None]


async def _read(client: Client, pod: pod_pb2.Pod, named: NamedClaim) -> ResourceClaim:
    try:
        claim = await client.get(ResourceClaim, named.name, pod.metadata.namespace)
    except (NotFound, Forbidden) as error:
        raise PreparationError(f"fetch ResourceClaim {named.name}: {error}") from error
    if why := why_unusable(pod, named, claim):
        raise PreparationError(why)
    return claim
