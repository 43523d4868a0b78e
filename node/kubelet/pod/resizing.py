"""A pod as its node has allocated it, which its spec is not while a change of its resources is pending. Pure.

https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from node.kubelet.pod import podspec
from podlab.core.v1 import pod_pb2

Allocation = Mapping[str, pod_pb2.ResourceRequirements]
"""By the names of containers and sidecars; that of the pod as a whole by the empty name."""
WHOLE = ""


def resizable(spec: pod_pb2.PodSpec) -> Iterator[pod_pb2.Container]:
    """The containers whose resources may change."""
    yield from spec.containers
    yield from (init for init in spec.initContainers if podspec.is_sidecar(init))


def allocation(spec: pod_pb2.PodSpec) -> Allocation:
    """What the pod asks for."""
    found = {}
    for container in resizable(spec):
        found[container.name] = pod_pb2.ResourceRequirements()
        found[container.name].CopyFrom(container.resources)
    if spec.HasField("resources"):
        found[WHOLE] = pod_pb2.ResourceRequirements()
        found[WHOLE].CopyFrom(spec.resources)
    return found


def told_allocation(pod: pod_pb2.Pod) -> Allocation:
    """What an earlier run of the kubelet has told of an admitted pod, and what it asks for where nothing was told."""
    found = dict(allocation(pod.spec))
    for status in (*pod.status.containerStatuses, *pod.status.initContainerStatuses):
        if status.HasField("resources") and status.name in found:
            found[status.name].CopyFrom(status.resources)
            for name, amount in status.allocatedResources.items():
                found[status.name].requests[name].CopyFrom(amount)
    if WHOLE in found and pod.status.HasField("resources"):
        found[WHOLE].CopyFrom(pod.status.resources)
        for name, amount in pod.status.allocatedResources.items():
            found[WHOLE].requests[name].CopyFrom(amount)
    return found


def allocated(pod: pod_pb2.Pod, known: Allocation) -> pod_pb2.Pod:
    """The pod with these resources: itself where it asks for just these."""
    whole = known.get(WHOLE, pod.spec.resources)
    if pod.spec.resources == whole and all(
        container.resources == known.get(container.name) for container in resizable(pod.spec)
    ):
        return pod
    made = pod_pb2.Pod()
    made.CopyFrom(pod)
    if WHOLE in known:
        made.spec.resources.CopyFrom(known[WHOLE])
    for container in resizable(made.spec):
        if container.name in known:
            container.resources.CopyFrom(known[container.name])
    return made


def described(pod: pod_pb2.Pod, words: str, error: str = "") -> str:
    """What an Event says of a change of the pod's resources."""
    told: dict[str, object] = {}
    for group in ("initContainers", "containers"):
        if listed := [_told(container) for container in getattr(pod.spec, group)]:
            told[group] = listed
    if pod.spec.HasField("resources"):
        told["resources"] = _amounts(pod.spec.resources)
    told["generation"] = pod.metadata.generation
    if error:
        told["error"] = error
    return f"Pod resize {words}: {orjson.dumps(told).decode()}"


def _told(container: pod_pb2.Container) -> dict[str, object]:
    return {"name": container.name, "resources": _amounts(container.resources)}


def _amounts(resources: pod_pb2.ResourceRequirements) -> dict[str, dict[str, str]]:
    sides = (("limits", resources.limits), ("requests", resources.requests))
    return {side: {name: each.string for name, each in sorted(given.items())} for side, given in sides if given}
