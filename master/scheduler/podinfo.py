"""What the scheduler needs to know of a pod, worked out once. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from podlab.api import quantity
from podlab.core.v1.pod_pb2 import Container, Pod

# What a container without requests is taken to use when nodes are compared, so that such pods spread too
# (k8s.io/kubernetes/pkg/scheduler/util, DefaultMilliCPURequest and DefaultMemoryRequest).
DEFAULT_CPU_MILLIS = 100
DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True)
class Requests:
    """Of a whole pod: what it asks for, and what it is taken to use when nodes are compared."""

    cpu_millis: int = 0
    memory_bytes: int = 0
    scored_cpu_millis: int = 0
    scored_memory_bytes: int = 0


@dataclass(frozen=True, order=True)
class HostPort:
    """A port of the node that a pod takes. An empty address is every address."""

    protocol: str
    address: str
    port: int

    def collides(self, other: HostPort) -> bool:
        same = self.port == other.port and self.protocol == other.protocol
        return same and (not self.address or not other.address or self.address == other.address)


@dataclass(frozen=True)
class PodInfo:
    """A pod as the scheduler sees it."""

    pod: Pod
    requests: Requests
    host_ports: tuple[HostPort, ...]
    images: tuple[str, ...]


def pod_info(pod: Pod) -> PodInfo:
    """What the pod asks for."""
    containers = [*pod.spec.initContainers, *pod.spec.containers]
    return PodInfo(
        pod=pod,
        requests=Requests(
            cpu_millis=_of_pod(pod, "cpu", 0),
            memory_bytes=_of_pod(pod, "memory", 0),
            scored_cpu_millis=_of_pod(pod, "cpu", DEFAULT_CPU_MILLIS),
            scored_memory_bytes=_of_pod(pod, "memory", DEFAULT_MEMORY_BYTES),
        ),
        host_ports=tuple(_host_ports(pod.spec.containers)),
        images=tuple(normalized_image(container.image) for container in containers),
    )


def normalized_image(name: str) -> str:
    """The name with a tag, as the nodes report their images."""
    last = name.rsplit("/", 1)[-1]
    return name if ":" in last or "@" in last else f"{name}:latest"


def _of_pod(pod: Pod, resource: str, default: int) -> int:
    """The containers and sidecars together, or the largest moment of the start-up if that is more.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    """
    running = sum(_of_container(container, resource, default) for container in pod.spec.containers)
    sidecars = 0
    largest_start = 0
    for container in pod.spec.initContainers:
        amount = _of_container(container, resource, default)
        if container.restartPolicy == "Always":
            sidecars += amount
            largest_start = max(largest_start, sidecars)
        else:
            largest_start = max(largest_start, sidecars + amount)
    return max(running + sidecars, largest_start)


def _of_container(container: Container, resource: str, default: int) -> int:
    if resource not in container.resources.requests:
        return default
    amount = container.resources.requests[resource]
    return quantity.millis(amount) if resource == "cpu" else quantity.value(amount)


def _host_ports(containers: Iterable[Container]) -> Iterable[HostPort]:
    for container in containers:
        for port in container.ports:
            if port.hostPort:
                address = "" if port.hostIP == "0.0.0.0" else port.hostIP  # noqa: S104 - compared, not bound
                yield HostPort(port.protocol or "TCP", address, port.hostPort)
