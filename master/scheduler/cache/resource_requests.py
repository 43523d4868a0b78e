"""What a pod requests of its node, resource by resource, in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from podlab.api.pods import podresources
from podlab.api.values import quantity
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import Quantity

PODS = "pods"  # each pod takes one of them

# What a container without requests counts as when nodes are scored, so that such pods spread too
# (k8s.io/kubernetes/pkg/scheduler/util, DefaultMilliCPURequest and DefaultMemoryRequest).
DEFAULT_REQUESTS = {"cpu": Quantity(string="100m"), "memory": Quantity(string="200Mi")}


@dataclass(frozen=True)
class ResourceRequests:
    """CPU is in thousandths, all else in units.

    `requested` is what the pod asks for, and 1 of `pods`. It lacks what the pod asks 0 of. `non_zero_requested` adds
    DEFAULT_REQUESTS for containers without requests of CPU or memory.
    """

    requested: Mapping[str, int]
    non_zero_requested: Mapping[str, int]


def requests_of(spec: PodSpec) -> ResourceRequests:
    """The sum over containers, init containers, sidecars and overhead.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    https://kubernetes.io/docs/concepts/scheduling-eviction/pod-overhead/
    """
    return ResourceRequests(
        {PODS: 1, **podresources.whole(spec)}, {PODS: 1, **podresources.whole(spec, DEFAULT_REQUESTS)}
    )


def units(resource: str, amount: Quantity) -> int:
    """The amount in the unit that the resource is counted in, rounded up."""
    return _units(resource, amount.string)


@lru_cache(maxsize=4096)
def _units(resource: str, amount: str) -> int:
    return podresources.rounded(resource, quantity.parse(Quantity(string=amount)))
