"""What a pod demands of its node, resource by resource, in whole numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from podlab.api import podresources, quantity
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import Quantity

PODS = "pods"  # the room that a pod takes by being one

# What a container without requests is taken to use when nodes are compared, so that such pods spread too
# (k8s.io/kubernetes/pkg/scheduler/util, DefaultMilliCPURequest and DefaultMemoryRequest).
MISSING = {"cpu": Quantity(string="100m"), "memory": Quantity(string="200Mi")}


@dataclass(frozen=True)
class Demands:
    """Processors in thousandths, all else in units.

    `requested` is what the pod asks for, with 1 of `pods`, and nothing that it asks 0 of; `compared` has besides what a
    pod without requests is taken to use of CPU and memory when nodes are compared.
    """

    requested: Mapping[str, int]
    compared: Mapping[str, int]


def demands(spec: PodSpec) -> Demands:
    """Containers, init containers, sidecars and overhead together.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    https://kubernetes.io/docs/concepts/scheduling-eviction/pod-overhead/
    """
    return Demands({PODS: 1, **podresources.whole(spec)}, {PODS: 1, **podresources.whole(spec, MISSING)})


def units(resource: str, amount: Quantity) -> int:
    """The amount as it is counted, rounded up."""
    return _units(resource, amount.string)


@lru_cache(maxsize=4096)
def _units(resource: str, amount: str) -> int:
    return podresources.rounded(resource, quantity.parse(Quantity(string=amount)))
