"""The containers of a pod, those that joined it while it ran included."""

from __future__ import annotations

from collections.abc import Iterator

from podlab.core.v1 import pod_pb2


def every(spec: pod_pb2.PodSpec) -> Iterator[pod_pb2.Container]:
    """Init containers first, ephemeral ones last, as Kubernetes visits them."""
    yield from spec.initContainers
    yield from spec.containers
    yield from ephemeral(spec)


def images(spec: pod_pb2.PodSpec) -> Iterator[str]:
    """As the pod names them, those of its volumes too."""
    yield from (container.image for container in every(spec))
    yield from (volume.volumeSource.image.reference for volume in spec.volumes if volume.volumeSource.HasField("image"))


def ephemeral(spec: pod_pb2.PodSpec) -> Iterator[pod_pb2.Container]:
    """Those that joined it."""
    for joined in spec.ephemeralContainers:
        yield joined.ephemeralContainerCommon
