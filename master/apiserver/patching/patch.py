"""One patch: understood once, applied as often as the object changes under it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from google.protobuf.message import Message

from master.apiserver.patching import document
from master.apiserver.patching.json_patch import json_patch
from master.apiserver.patching.merge_patch import merge_patch
from podlab.api.kinds import Kind
from podlab.api.objects import check_place
from podlab.api.objects import metadata as metadata_of
from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json, described
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.errors import BadRequest, Invalid, UnsupportedMediaType
from podlab.kinds.resource import Decode
from podlab.shapes.messages import shape_of
from podlab.shapes.strategic import strategic_merge
from podlab.v1 import apiserver_pb2 as pb

T = TypeVar("T")

MEDIA_TYPES: Mapping[pb.PatchType.ValueType, str] = {
    pb.PATCH_TYPE_JSON: "application/json-patch+json",
    pb.PATCH_TYPE_MERGE: "application/merge-patch+json",
    pb.PATCH_TYPE_STRATEGIC_MERGE: "application/strategic-merge-patch+json",
}
_MANAGED = "managedFields"
APPLY_MEDIA_TYPE = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Patch:
    """`kind` is that of the objects that it is applied to, in the version that it was written for; `type` is one of
    `MEDIA_TYPES`; `of_status` when the status is what is written."""

    kind: Kind
    type: int
    content: Json
    of_status: bool = False
    decode: Decode = codec.from_dict_leniently

    @property
    def sees_managed_fields(self) -> bool:
        """Whether what it makes of an object depends on its managedFields. Few patches do, and to write them as JSON
        and to read them again is more than half of what a patch costs."""
        if isinstance(self.content, list):
            return not all(map(_is_elsewhere, self.content))
        metadata = self.content.get("metadata", {}) if isinstance(self.content, dict) else None
        if not isinstance(metadata, dict):
            return True
        return _MANAGED in metadata or any(name.startswith("$") for name in (*self.content, *metadata))

    def applied(self, current: Message) -> Message:
        """The object that the patch makes of `current`, which is not changed. Raises BadRequest, Invalid."""
        return self._object(current, partial(codec.from_dict, of_status=self.of_status), lambda new: new)

    def read(self, current: Message) -> tuple[Message, list[str]]:
        """As above, but fields that nobody knows are left out of it: their paths."""
        return self._object(current, partial(self.decode, of_status=self.of_status), lambda new: new[0])

    def _object(self, current: Message, decode: Callable[[Json, Kind], T], object_in: Callable[[T], Message]) -> T:
        kind, metadata = self.kind, metadata_of(current)
        looked_at, rest = self._apart(current)
        result = self._result(codec.to_dict(looked_at), current)
        if not isinstance(result, dict):
            raise Invalid(f"{kind.plural} {metadata.name!r}: the patch leaves {described(result)}, not an object")
        try:
            new = decode(result, kind)
        except BadRequest as error:
            if not error.causes:
                raise
            raise Invalid.of(kind.qualified_name, metadata.name, error.causes) from error
        check_place(metadata_of(object_in(new)), namespace=metadata.namespace, name=metadata.name)
        if rest is not None:
            object_in(new).MergeFrom(rest)
        return new

    def _apart(self, current: Message) -> tuple[Message, Message | None]:
        """What the patch may look at, and the rest of the object, if it leaves any alone: that is neither written as
        JSON nor read again, which is most of what a patch costs."""
        fields = {field.json_name: field.name for field in current.DESCRIPTOR.fields}
        named = {"metadata", *_members(self.content)} - {"apiVersion", "kind"}
        if isinstance(current, Custom) or not named <= fields.keys():
            return current, None
        looked_at, rest = type(current)(), type(current)()
        looked_at.CopyFrom(current)
        rest.CopyFrom(current)
        for json_name, name in fields.items():
            (rest if json_name in named else looked_at).ClearField(name)
        return looked_at, rest

    def _result(self, fields: dict[str, Json], current: Message) -> Json:
        if self.type == pb.PATCH_TYPE_JSON:
            return json_patch(fields, self.content)
        if self.type == pb.PATCH_TYPE_MERGE:
            return merge_patch(fields, self.content)
        merged = strategic_merge(fields, self.content, shape_of(current))
        return merged | {name: fields[name] for name in ("kind", "apiVersion")}  # it stays what it is, as in Kubernetes


def parse(
    patch_type: int,
    body: bytes,
    kind: Kind,
    *,
    of_status: bool = False,
    decode: Decode = codec.from_dict_leniently,
) -> Patch:
    """Raises UnsupportedMediaType, BadRequest."""
    known = {number: name for number, name in MEDIA_TYPES.items() if _is_read(number, kind)}
    if patch_type not in known:
        accepted = ", ".join([*known.values(), *((APPLY_MEDIA_TYPE,) if kind.message is not Custom else ())])
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        )
    content = document.read(body)
    wanted, told = (list, "a list of operations") if patch_type == pb.PATCH_TYPE_JSON else (dict, "an object")
    if not isinstance(content, wanted):
        raise BadRequest(f"error decoding patch: expected {told}, found {described(content)}")
    return Patch(kind, patch_type, content, of_status, decode)


def _members(content: Json) -> Iterable[str]:
    """The members of an object that a patch is about: names that are none where it may be about all of them."""
    if isinstance(content, dict):
        return content
    if not isinstance(content, list):
        return ("",)
    places = [one.get(name, "/metadata") for one in content if isinstance(one, dict) for name in ("path", "from")]
    return [place.split("/")[1] if isinstance(place, str) and place.startswith("/") else "" for place in places]


def _is_elsewhere(operation: Json) -> bool:
    """Whether no place of an operation of a JSON patch holds managedFields, or is in them."""
    if not isinstance(operation, dict):
        return False
    places = [operation[name] for name in ("path", "from") if name in operation]
    return all(
        isinstance(place, str) and place not in ("", "/metadata") and not place.startswith(f"/metadata/{_MANAGED}")
        for place in places
    )


def _is_read(patch_type: int, kind: Kind) -> bool:
    """How lists of custom objects are merged is said by no type."""
    return patch_type != pb.PATCH_TYPE_STRATEGIC_MERGE or kind.message is not Custom
