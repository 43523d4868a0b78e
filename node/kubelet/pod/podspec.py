"""Questions about a pod's spec that several modules ask."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from podlab.api import containers, quantity
from podlab.core.v1 import pod_pb2

DEFAULT_GRACE_S = 30


def full_name(pod: pod_pb2.Pod) -> str:
    """As Kubernetes' kubelet calls a pod in what it tells."""
    return f"{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})"


def field_path(pod: pod_pb2.Pod, container: str) -> str:
    """Where the container stands in the pod: spec.containers{web}, or among the init or ephemeral containers."""
    if any(init.name == container for init in pod.spec.initContainers):
        return f"spec.initContainers{{{container}}}"
    return f"spec.{'ephemeralContainers' if is_ephemeral(pod, container) else 'containers'}{{{container}}}"


def is_sidecar(container: pod_pb2.Container) -> bool:
    """For an init container: it starts in its turn, keeps running, and ends after the main containers."""
    return container.restartPolicy == "Always"


def all_containers(pod: pod_pb2.Pod) -> Iterator[pod_pb2.Container]:
    """The pod's own: init containers first. Those that joined it are others."""
    yield from pod.spec.initContainers
    yield from pod.spec.containers


def container_named(pod: pod_pb2.Pod, name: str) -> pod_pb2.Container | None:
    return next((container for container in containers.every(pod.spec) if container.name == name), None)


def is_ephemeral(pod: pod_pb2.Pod, name: str) -> bool:
    """Whether the container joined the running pod. It runs once."""
    return any(container.name == name for container in containers.ephemeral(pod.spec))


def target_of(pod: pod_pb2.Pod, name: str) -> str:
    """The container whose processes an ephemeral one is to see; empty when it is to see its own."""
    joined = (one for one in pod.spec.ephemeralContainers if one.ephemeralContainerCommon.name == name)
    return next((one.targetContainerName for one in joined), "")


def restarts(pod: pod_pb2.Pod, container: pod_pb2.Container, exit_code: int) -> bool:
    """Whether a container is started again after it ended with the code. An init container that succeeded is done."""
    if is_ephemeral(pod, container.name):
        return False
    if is_sidecar(container):
        return True
    policy = pod.spec.restartPolicy or "Always"
    if any(init.name == container.name for init in pod.spec.initContainers):
        return exit_code != 0 and policy != "Never"
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def grace_s(pod: pod_pb2.Pod) -> int:
    """How long the pod's containers are given to end: what the deletion asked for, or the pod's own."""
    if pod.metadata.HasField("deletionGracePeriodSeconds"):
        return max(1, pod.metadata.deletionGracePeriodSeconds)
    if pod.spec.HasField("terminationGracePeriodSeconds"):
        return max(1, pod.spec.terminationGracePeriodSeconds)
    return DEFAULT_GRACE_S


def container_hash(container: pod_pb2.Container) -> str:
    """Changes when the container must be replaced: its image is the only part that may change in a running pod."""
    return hashlib.sha256(container.image.encode()).hexdigest()[:8]


def qos_class(pod: pod_pb2.Pod) -> str:
    """Guaranteed: every container limits cpu and memory, and requests just that. BestEffort: none asks for anything."""
    guaranteed, asked = True, False
    for container in all_containers(pod):
        for resource in ("cpu", "memory"):
            limit = _amount(container.resources.limits, resource)
            # A limit without a request is a request of the same size.
            request = _amount(container.resources.requests, resource) or limit
            asked = asked or bool(limit or request)
            guaranteed = guaranteed and bool(limit) and request == limit
    if not asked:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def _amount(amounts: object, resource: str) -> int:
    return quantity.millis(amounts[resource]) if resource in amounts else 0  # type: ignore[operator,index]
