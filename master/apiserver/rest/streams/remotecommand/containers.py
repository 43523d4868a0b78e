"""Which container a request for a stream is for. Pure. The messages are Kubernetes'."""

from __future__ import annotations

from podlab.api.pods import containers
from podlab.core.v1 import pod_pb2
from podlab.errors import BadRequest


def container_of(pod: pod_pb2.Pod, name: str) -> str:
    """The name of the container: `name`, or the pod's only container. Raises BadRequest."""
    every = [container.name for container in containers.every(pod.spec)]
    if name and name not in every:
        raise BadRequest(f"container {name} is not valid for pod {pod.metadata.name}")
    if not name and len(pod.spec.containers) > 1:
        names = " ".join(every)
        raise BadRequest(f"a container name must be specified for pod {pod.metadata.name}, choose one of: [{names}]")
    return name or pod.spec.containers[0].name
