"""Objects as Kubernetes' JSON. What pods of one template have in common is rendered once for all of them."""

from __future__ import annotations

from functools import lru_cache

import orjson
from google.protobuf.message import Message

from podlab.api import objects
from podlab.api.serializer import codec, packing
from podlab.core.v1 import pod_pb2
from podlab.meta.v1.meta_pb2 import ObjectMeta

# About as many templates and nodes as are at work at a time; most specs are of 1 to 3 KiB.
_REMEMBERED = 512
_REMEMBERED_BYTES = 4 << 10


def json(message: Message) -> bytes:
    """The object's JSON. The message is used up."""
    managed = _take_managed(objects.metadata(message))
    data = _pod(message) if isinstance(message, pod_pb2.Pod) else {**codec.to_dict(message)}
    if managed:
        metadata = data["metadata"]
        assert isinstance(metadata, dict)
        metadata["managedFields"] = managed
    return orjson.dumps(data)


def _pod(message: pod_pb2.Pod) -> dict[str, object]:
    encoded = message.spec.SerializeToString() if message.HasField("spec") else b""
    if not encoded or len(encoded) > _REMEMBERED_BYTES:
        return {**codec.to_dict(message)}
    message.ClearField("spec")
    rest = codec.to_dict(message)
    status = rest.pop("status", None)
    data: dict[str, object] = {**rest, "spec": _spec(encoded)}
    if status is not None:
        data["status"] = status
    return data


def _take_managed(metadata: ObjectMeta) -> list[dict[str, object]]:
    """Its managedFields, whose sets are JSON already."""
    if not metadata.managedFields:
        return []
    shown: list[dict[str, object]] = []
    for entry in metadata.managedFields:
        fields = orjson.Fragment(packing.unpacked(entry.fieldsV1.Raw or b"{}"))
        entry.ClearField("fieldsV1")
        shown.append({**codec.part_to_dict(entry), "fieldsV1": fields})
    metadata.ClearField("managedFields")
    return shown


@lru_cache(maxsize=_REMEMBERED)
def _spec(encoded: bytes) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(codec.part_to_dict(pod_pb2.PodSpec.FromString(encoded))))
