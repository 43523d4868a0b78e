"""Which pods are bound to which node, and which objects they use. It follows the watch cache."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from master.apiserver.watchcache.cached_object import CachedObject, CacheEvent
from master.apiserver.watchcache.kind_window import KindWindow
from podlab.api.pods import volumes
from podlab.api.pods.references import Reference, references
from podlab.api.serializer import encoded_fields
from podlab.core.v1 import pod_pb2, volume_pb2
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice
from podlab.storage.v1.volumeattachment_pb2 import VolumeAttachment

_node_name = encoded_fields.reader(pod_pb2.Pod, "spec.nodeName")
_NOTHING: frozenset[Reference] = frozenset()


class NodeGraph:
    """Implements authorization.node.Graph."""

    def __init__(self, pods: KindWindow, volumes: KindWindow, slices: KindWindow, attachments: KindWindow) -> None:
        self._prefix = pods.prefix
        self._nodes: dict[str, str] = {}
        """Of pods that are bound, by their keys."""
        self._unread: defaultdict[str, dict[str, CachedObject]] = defaultdict(dict)
        """By node and key, pods as they have become since somebody asked about the node. Most change many times before:
        to decode each time would be a third of what the cache does for a binding."""
        self._references: dict[str, frozenset[Reference]] = {}
        """Of pods that have been read, by their keys."""
        self._uses: defaultdict[str, Counter[Reference]] = defaultdict(Counter)
        self._window = pods
        self._volumes = volumes
        self._slices = slices
        self._attachments = attachments
        pods.follow(self._take)

    def node_of(self, namespace: str, pod: str) -> str | None:
        """See Graph."""
        key = f"{self._prefix}{namespace}/{pod}"
        node = self._nodes.get(key)
        if node is not None:
            return node
        return "" if key in self._window.entries else None

    def uses(self, node: str, resource: str, namespace: str, name: str) -> bool:
        """See Graph."""
        if resource == "resourceslices":
            offered = self._slices.entries.get(f"{self._slices.prefix}{name}")
            return offered is not None and offered.message_as(ResourceSlice).spec.nodeName == node
        if resource == "volumeattachments":
            wish = self._attachments.entries.get(f"{self._attachments.prefix}{name}")
            return wish is not None and wish.message_as(VolumeAttachment).spec.nodeName == node
        if resource == "persistentvolumes":
            entry = self._volumes.entries.get(f"{self._volumes.prefix}{name}")
            if entry is None:
                return False
            volume = entry.message_as(volume_pb2.PersistentVolume)
            if volumes.local_path_node(volume) == node:  # its data may be there still when no pod uses it any more
                return True
            claim = volume.spec.claimRef
            resource, namespace, name = "persistentvolumeclaims", claim.namespace, claim.name
        if self._pods_use(node, (resource, namespace, name)):
            return True
        return resource == "secrets" and any(
            self._pods_use(node, claim) for claim in self._claims_with_secret(namespace, name)
        )

    def _pods_use(self, node: str, reference: Reference) -> bool:
        self._read(node)
        return node in self._uses and self._uses[node][reference] > 0

    def _claims_with_secret(self, namespace: str, name: str) -> Iterator[Reference]:
        """The claims whose volumes are mounted with the Secret."""
        for entry in self._volumes.entries.values():
            spec = entry.message_as(volume_pb2.PersistentVolume).spec
            source = spec.persistentVolumeSource.csi
            given = (source.nodeStageSecretRef, source.nodePublishSecretRef, source.nodeExpandSecretRef)
            if any((each.namespace, each.name) == (namespace, name) for each in given):
                yield "persistentvolumeclaims", spec.claimRef.namespace, spec.claimRef.name

    def _take(self, event: CacheEvent) -> None:
        key, new = event.key, event.new
        node = _node_name(new.encoded) if new is not None else ""
        before = self._nodes.pop(key, "")
        if before and before != node:
            self._forget(before, key)
        if node and new is not None:
            self._nodes[key] = node
            self._unread[node][key] = new

    def _forget(self, node: str, key: str) -> None:
        if (waiting := self._unread.get(node)) is not None:
            waiting.pop(key, None)
            if not waiting:
                del self._unread[node]
        self._count(node, self._references.pop(key, _NOTHING), -1)

    def _read(self, node: str) -> None:
        for key, entry in self._unread.pop(node, {}).items():
            self._count(node, self._references.pop(key, _NOTHING), -1)
            after = self._references[key] = frozenset(references(entry.message_as(pod_pb2.Pod)))
            self._count(node, after, 1)

    def _count(self, node: str, references: frozenset[Reference], step: int) -> None:
        counts = self._uses[node]
        for reference in references:
            counts[reference] += step
            if not counts[reference]:
                del counts[reference]
        if not counts:
            del self._uses[node]
