"""Which pods are bound to which node, and which objects they use. It follows the watch cache."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from master.apiserver.watchcache.cached_object import CacheEvent
from master.apiserver.watchcache.kind_window import KindWindow
from podlab.api.pods import containers, volumes
from podlab.api.serializer import encoded_fields
from podlab.core.v1 import pod_pb2, volume_pb2

_node_name = encoded_fields.reader(pod_pb2.Pod, "spec.nodeName")
Reference = tuple[str, str, str]
"""Resource, namespace, name."""


@dataclass(frozen=True, slots=True)
class _BoundPod:
    node: str
    references: frozenset[Reference]


class NodeGraph:
    """Implements authorization.node.Graph."""

    def __init__(self, pods: KindWindow, volumes: KindWindow) -> None:
        self._prefix = pods.prefix
        self._bound: dict[str, _BoundPod] = {}
        self._uses: defaultdict[str, Counter[Reference]] = defaultdict(Counter)
        self._window = pods
        self._volumes = volumes
        pods.follow(self._take)

    def node_of(self, namespace: str, pod: str) -> str | None:
        """See Graph."""
        key = f"{self._prefix}{namespace}/{pod}"
        bound = self._bound.get(key)
        if bound is not None:
            return bound.node
        return "" if key in self._window.entries else None

    def uses(self, node: str, resource: str, namespace: str, name: str) -> bool:
        """See Graph."""
        if resource == "persistentvolumes":
            entry = self._volumes.entries.get(f"{self._volumes.prefix}{name}")
            if entry is None:
                return False
            volume = entry.message_as(volume_pb2.PersistentVolume)
            if volumes.local_path_node(volume) == node:  # its data may be there still when no pod uses it any more
                return True
            claim = volume.spec.claimRef
            resource, namespace, name = "persistentvolumeclaims", claim.namespace, claim.name
        return node in self._uses and self._uses[node][resource, namespace, name] > 0

    def _take(self, event: CacheEvent) -> None:
        before = self._bound.pop(event.key, None)
        if before is not None:
            self._count(before, -1)
        if event.new is None or not _node_name(event.new.encoded):
            return  # most pods that are created have no node yet, and need not be decoded
        pod = event.new_message()
        if isinstance(pod, pod_pb2.Pod):
            after = _BoundPod(pod.spec.nodeName, frozenset(references(pod)))
            self._bound[event.key] = after
            self._count(after, 1)

    def _count(self, bound: _BoundPod, step: int) -> None:
        counts = self._uses[bound.node]
        for reference in bound.references:
            counts[reference] += step
            if not counts[reference]:
                del counts[reference]
        if not counts:
            del self._uses[bound.node]


def references(pod: pod_pb2.Pod) -> Iterator[Reference]:
    """What a pod's volumes and environment name, its service account, and what its images are pulled with."""
    namespace = pod.metadata.namespace
    if pod.spec.serviceAccountName:
        yield "serviceaccounts", namespace, pod.spec.serviceAccountName
    for secret in pod.spec.imagePullSecrets:
        yield "secrets", namespace, secret.name
    for volume in pod.spec.volumes:
        for resource, name in _mounted(volume.volumeSource):
            yield resource, namespace, name
    for name in volumes.claims_of(pod):
        yield "persistentvolumeclaims", namespace, name
    for container in containers.every(pod.spec):
        for resource, name in _in_environment(container):
            yield resource, namespace, name


def _mounted(source: pod_pb2.VolumeSource) -> Iterator[tuple[str, str]]:
    if source.HasField("secret"):
        yield "secrets", source.secret.secretName
    if source.HasField("configMap"):
        yield "configmaps", source.configMap.localObjectReference.name
    for part in source.projected.sources:
        if part.HasField("secret"):
            yield "secrets", part.secret.localObjectReference.name
        if part.HasField("configMap"):
            yield "configmaps", part.configMap.localObjectReference.name


def _in_environment(container: pod_pb2.Container) -> Iterator[tuple[str, str]]:
    for source in container.envFrom:
        if source.HasField("configMapRef"):
            yield "configmaps", source.configMapRef.localObjectReference.name
        if source.HasField("secretRef"):
            yield "secrets", source.secretRef.localObjectReference.name
    for variable in container.env:
        if not variable.HasField("valueFrom"):
            continue
        if variable.valueFrom.HasField("configMapKeyRef"):
            yield "configmaps", variable.valueFrom.configMapKeyRef.localObjectReference.name
        if variable.valueFrom.HasField("secretKeyRef"):
            yield "secrets", variable.valueFrom.secretKeyRef.localObjectReference.name
