"""What the scheduler needs to know of a pod, computed once for all pods of the same shape."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from master.scheduler.cache.affinity_terms import AffinityTerm, affinity_terms_of
from master.scheduler.cache.resource_requests import ResourceRequests, requests_of
from podlab.api.pods import allocated, volumes
from podlab.api.pods.hostports import host_ports
from podlab.api.selection.nodeselectors import NodeMatcher, matcher
from podlab.core.v1.pod_pb2 import Container, Pod, PodSpec

SHAPES_REMEMBERED = 1024
_shapes: dict[Hashable, PodShape] = {}  # by all that a shape is made from

_RELEVANT = frozenset(
    [
        *("containers", "initContainers", "tolerations", "topologySpreadConstraints", "nodeSelector", "affinity"),
        *("overhead", "resourceClaims", "resources"),
    ]
)
_IRRELEVANT = tuple(field.name for field in PodSpec.DESCRIPTOR.fields if field.name not in _RELEVANT)
_RELEVANT_IN_CONTAINERS = frozenset({"image", "resources", "restartPolicy", "ports"})
_IRRELEVANT_IN_CONTAINERS = tuple(
    field.name for field in Container.DESCRIPTOR.fields if field.name not in _RELEVANT_IN_CONTAINERS
)


class PodShape:
    """What plugins look at in a pod. The pods of a ReplicaSet have one shape.

    `key` is `pod` encoded. All other fields are made from it, so pods with equal keys get equal results.
    """

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.pod = Pod.FromString(key)
        self.namespace: str = self.pod.metadata.namespace
        self.labels: Mapping[str, str] = dict(self.pod.metadata.labels)
        self.deleted = self.pod.metadata.HasField("deletionTimestamp")
        self.requests: ResourceRequests = requests_of(self.pod.spec)
        self.affinity_terms: tuple[AffinityTerm, ...] = affinity_terms_of(self.pod)
        self.host_ports = tuple(host_ports(self.pod.spec))
        self.claims = tuple(volumes.claims_of(self.pod))
        self.claims_devices = bool(self.pod.spec.resourceClaims)
        containers = [*self.pod.spec.initContainers, *self.pod.spec.containers]
        self.images = tuple(normalized_image(container.image) for container in containers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PodShape) and self.key == other.key

    @cached_property
    def nodes(self) -> NodeMatcher:
        """Matches the nodes that the pod's node selector and required node affinity select."""
        return matcher(self.pod.spec)

    @cached_property
    def _hash(self) -> int:
        return hash(self.key)

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True)
class PodInfo:
    """A pod as the scheduler sees it."""

    pod: Pod
    shape: PodShape

    @property
    def uid(self) -> str:
        return str(self.pod.metadata.uid)

    @property
    def own_claims(self) -> bool:
        """Whether claims of devices were made for this pod alone: then no other pod's results are its own."""
        return self.shape.claims_devices and any(
            each.HasField("resourceClaimTemplateName") for each in self.pod.spec.resourceClaims
        )


def pod_info(pod: Pod) -> PodInfo:
    """The pod with its shape."""
    metadata, charged = pod.metadata, allocated.charged(pod)
    spec = charged
    if spec.nodeName:
        spec = PodSpec()
        spec.CopyFrom(charged)
        spec.nodeName = ""
    shape_key = (
        spec.SerializeToString(deterministic=True),
        metadata.namespace,
        frozenset(metadata.labels.items()),
        tuple(owner.uid for owner in metadata.ownerReferences),
        metadata.HasField("deletionTimestamp"),
        (metadata.name, metadata.uid) if _has_own_claims(pod.spec) else None,
    )
    shape = _shapes.get(shape_key)
    if shape is None:
        if len(_shapes) >= SHAPES_REMEMBERED:
            _shapes.clear()
        shape = _shapes[shape_key] = _shape(_encoded(pod, charged))
    return PodInfo(pod, shape)


def normalized_image(name: str) -> str:
    """The name with a tag, as nodes report their images."""
    last = name.rsplit("/", 1)[-1]
    return name if ":" in last or "@" in last else f"{name}:latest"


@lru_cache(maxsize=SHAPES_REMEMBERED)
def _shape(key: bytes) -> PodShape:
    return PodShape(key)


def _encoded(pod: Pod, charged: PodSpec) -> bytes:
    """The pod without what no plugin looks at: its name, secrets, commands ..."""
    kept = Pod()
    metadata, given = kept.metadata, pod.metadata
    metadata.namespace = given.namespace
    metadata.labels.MergeFrom(given.labels)
    for owner in given.ownerReferences:
        if owner.controller:
            metadata.ownerReferences.append(owner)
    if given.HasField("deletionTimestamp"):
        metadata.deletionTimestamp.seconds = 1
    spec = kept.spec
    spec.CopyFrom(charged)
    if _has_own_claims(spec):  # they are named after the pod, and known by its uid
        metadata.name, metadata.uid = given.name, given.uid
    claims = [each for each in spec.volumes if volumes.claim_name(pod, each)]
    for name in _IRRELEVANT:
        spec.ClearField(name)  # type: ignore[arg-type]
    spec.volumes.extend(claims)
    for container in (*spec.containers, *spec.initContainers):
        for name in _IRRELEVANT_IN_CONTAINERS:
            container.ClearField(name)  # type: ignore[arg-type]
        if not any(port.hostPort for port in container.ports):
            container.ClearField("ports")
    return kept.SerializeToString(deterministic=True)


def _has_own_claims(spec: PodSpec) -> bool:
    return any(each.volumeSource.HasField("ephemeral") for each in spec.volumes)
