"""Pods of one template become the same: what defaults and admission make of one is remembered for the others.

They differ in their metadata, of which little matters to what a pod becomes: that is part of what it is known by. What
other objects have to do with it is forgotten as soon as one of those changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import Message

from master.apiserver.admission.chain import Admission
from master.apiserver.admission.limitranger import ANNOTATION
from master.apiserver.registry import changes
from master.apiserver.registry.strategies.table import Strategy
from podlab.api.labels import MIRROR_ANNOTATION
from podlab.core.v1 import pod_pb2

# What is remembered stays small: so many specs, of at most this size as they are sent.
REMEMBERED = 512
REMEMBERED_BYTES = 8 << 10

# Of a pod's own annotations, what becomes of it depends on these.
_ANNOTATIONS = (MIRROR_ANNOTATION, ANNOTATION)

_Shape = tuple[str, tuple[str | None, ...], tuple[tuple[str, str], ...], bytes]


@dataclass(frozen=True, slots=True)
class _Made:
    """What a pod has become, but for its metadata, and the annotations that it got."""

    rest: bytes
    annotations: dict[str, str]


class Alike:
    """Lives in the event loop."""

    def __init__(self, admission: Admission) -> None:
        self._long_way = changes.finishing(admission.complete)
        self._made: dict[_Shape, _Made] = {}
        admission.follow_pods_needs(self._made.clear)

    @property
    def remembered(self) -> int:
        """So many kinds of pods are known."""
        return len(self._made)

    def finish(self, message: Message, strategy: Strategy) -> None:
        """Implements changes.Finish. Raises what admission raises; a refusal is not remembered."""
        shape = _shape(message) if isinstance(message, pod_pb2.Pod) else None
        if shape is None or not isinstance(message, pod_pb2.Pod):
            self._long_way(message, strategy)
        elif (made := self._made.get(shape)) is not None:
            message.ClearField("spec")
            message.MergeFromString(made.rest)
            message.metadata.annotations.update(made.annotations)
        else:
            sent = dict(message.metadata.annotations)
            self._long_way(message, strategy)
            if len(self._made) >= REMEMBERED:
                self._made.clear()
            self._made[shape] = _made(message, sent)


def _shape(pod: pod_pb2.Pod) -> _Shape | None:
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


def _made(pod: pod_pb2.Pod, sent: dict[str, str]) -> _Made:
    got = {name: value for name, value in pod.metadata.annotations.items() if sent.get(name) != value}
    return _Made(pod_pb2.Pod(spec=pod.spec, status=pod.status).SerializeToString(), got)
