"""Ownership of pods of one template: worked out once, for all whose metadata has the same members."""

from __future__ import annotations

from master.apiserver.managedfields import field_manager
from master.apiserver.managedfields.field_manager import FieldWriter
from podlab.api.serializer import codec
from podlab.apply.comparison import compare
from podlab.apply.field_set import EMPTY, FieldSet, made
from podlab.apply.ownership import UNMANAGED
from podlab.core.v1.pod_pb2 import Pod
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.shapes.messages import shape_of

_METADATA = "f:metadata"
_REMEMBERED = 64
_Members = tuple[str | tuple[str, ...], ...]


class OwnershipAlike:
    """`fields` are those that the first pod's author wrote."""

    __slots__ = ("_fields", "_known")

    def __init__(self, fields: FieldSet) -> None:
        rest = {step: below for step, below in fields.children.items() if step != _METADATA}
        self._fields = made(fields.members, rest)
        self._known: dict[_Members, tuple[int, bytes, FieldSet]] = {}

    def managed(self, metadata: ObjectMeta, writer: FieldWriter) -> bytes:
        """managedFields of a new pod, as they are stored. Those of pods of one second are the same."""
        now_s = metadata.creationTimestamp.seconds
        members = _members(metadata, writer)
        known = self._known.get(members)
        if known is not None and known[0] == now_s:
            return known[1]
        fields = self._fields | _of_metadata(metadata) if known is None else known[2]
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        stored = field_manager.created(fields, writer, now_s)
        self._known[members] = now_s, stored, fields
        return stored


def _members(metadata: ObjectMeta, writer: FieldWriter) -> _Members:
    """All of the metadata that fields are made of."""
    return (
        writer.name,
        "generateName" if metadata.generateName else "",
        tuple(sorted(metadata.labels)),
        tuple(sorted(metadata.annotations)),
        tuple([owner.uid for owner in metadata.ownerReferences]),
        tuple(metadata.finalizers),
    )


def _of_metadata(metadata: ObjectMeta) -> FieldSet:
    written = {"metadata": codec.part_to_dict(metadata)}
    found = compare({"metadata": {}}, written, shape_of(Pod)).written - UNMANAGED
    below = found.children.get(_METADATA, EMPTY)
    return made((), {_METADATA: below})
