"""Pods of one template become the same: what defaults and admission make of one is remembered for the others.

They differ in their metadata, of which little matters to what a pod becomes: that is part of what it is known by. What
other objects have to do with it is forgotten as soon as one of those changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.message import Message

from master.apiserver.admission.rules.limitranger import ANNOTATION
from master.apiserver.managedfields.ownership_alike import OwnershipAlike
from podlab.api import objects
from podlab.api.selection.labels import MIRROR_ANNOTATION
from podlab.api.serializer import wire
from podlab.apply.field_set import FieldSet
from podlab.core.v1 import pod_pb2

# What is remembered stays small: so many specs, of at most this size as they are sent.
REMEMBERED = 512
REMEMBERED_BYTES = 8 << 10

# Of a pod's own annotations, what becomes of it depends on these.
_ANNOTATIONS = (MIRROR_ANNOTATION, ANNOTATION)

_METADATA = bytes((pod_pb2.Pod.METADATA_FIELD_NUMBER << 3 | 2,))

Shape = tuple[str, tuple[str | None, ...], tuple[tuple[str, str], ...], bytes]


@dataclass(slots=True)
class Result:
    """What pods of a template become, but for their metadata, and the annotations that they get."""

    rest: bytes
    """Spec and status, encoded: they follow the metadata in a pod's own encoding."""
    annotations: dict[str, str]
    ownership: OwnershipAlike
    is_valid: bool = False
    """Whether a pod of the template has been found valid."""

    def apply(self, pod: pod_pb2.Pod) -> None:
        """Make the same of the pod, of which only the metadata counts."""
        pod.ClearField("spec")
        pod.MergeFromString(self.rest)
        if self.annotations:
            pod.metadata.annotations.update(self.annotations)

    def size_bytes(self, pod: Message) -> int:
        """What the pod takes as it is stored."""
        metadata_bytes = objects.metadata(pod).ByteSize()
        return len(_METADATA) + len(wire.varint(metadata_bytes)) + metadata_bytes + len(self.rest)

    def encoded(self, pod: Message) -> bytes:
        """The pod as it is stored: spec and status of its template are not encoded again."""
        metadata = objects.metadata(pod).SerializeToString()
        return b"".join((_METADATA, wire.varint(len(metadata)), metadata, self.rest))


class TemplateMemo:
    """Lives in the event loop."""

    def __init__(self) -> None:
        self._results: dict[Shape, Result] = {}

    @property
    def remembered(self) -> int:
        """So many templates are known."""
        return len(self._results)

    def known(self, shape: Shape) -> Result | None:
        """What pods of the shape become, when that is known."""
        return self._results.get(shape)

    def remember(self, shape: Shape, pod: pod_pb2.Pod, annotations: Mapping[str, str], fields: FieldSet) -> Result:
        """This is what a pod of the shape has become, to which its author gave these annotations and fields."""
        if len(self._results) >= REMEMBERED:
            self._results.clear()
        got = {name: value for name, value in pod.metadata.annotations.items() if annotations.get(name) != value}
        rest = pod_pb2.Pod(spec=pod.spec, status=pod.status).SerializeToString()
        result = Result(rest, got, OwnershipAlike(fields))
        self._results[shape] = result
        return result

    def forget(self) -> None:
        """Something has changed that pods depend on."""
        self._results.clear()


def shape_of(pod: pod_pb2.Pod) -> Shape | None:
    """All of a new pod that decides what it becomes; None for one that becomes something of its own."""
    metadata, spec = pod.metadata, pod.spec
    if spec.schedulingGates:  # its condition says when it was made
        return None
    encoded = spec.SerializeToString()
    if len(encoded) > REMEMBERED_BYTES:
        return None
    labels = tuple(sorted(metadata.labels.items())) if spec.HasField("affinity") else ()
    annotations = tuple(map(metadata.annotations.get, _ANNOTATIONS))
    return metadata.namespace, annotations, labels, encoded
