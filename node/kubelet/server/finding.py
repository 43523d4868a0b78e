"""The pods and containers that a call names. Pure."""

from __future__ import annotations

from node.kubelet.pod import podspec
from node.kubelet.worker.pod_workers import PodWorkers
from podlab.api.pods import containers
from podlab.core.v1 import pod_pb2
from podlab.errors import BadRequest, NotFound


def pod_named(pods: PodWorkers, namespace: str, name: str) -> pod_pb2.Pod:
    """Raises NotFound."""
    pod = pods.named(namespace, name)
    if pod is None:
        raise NotFound.of("pods", name)
    return pod


def container_named(pod: pod_pb2.Pod, name: str) -> pod_pb2.Container:
    """The pod's only one when `name` is empty. Raises BadRequest."""
    if not name:
        if len(pod.spec.containers) > 1:
            names = " ".join(container.name for container in containers.every(pod.spec))
            raise BadRequest(
                f"a container name must be specified for pod {pod.metadata.name}, choose one of: [{names}]"
            )
        return pod.spec.containers[0]
    found = podspec.container_named(pod, name)
    if found is None:
        raise BadRequest(f"container {name} is not valid for pod {pod.metadata.name}")
    return found
