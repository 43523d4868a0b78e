"""Objects as Kubernetes' JSON. What pods of one template have in common is rendered once for all of them."""

from __future__ import annotations

from functools import lru_cache

import orjson
from google.protobuf.message import Message

from podlab.api.serializer import codec
from podlab.core.v1 import pod_pb2

# About as many templates and nodes as are at work at a time; most specs are of 1 to 3 KiB.
_REMEMBERED = 512
_REMEMBERED_BYTES = 4 << 10


def json(message: Message) -> bytes:
    """The object's JSON. The message is used up."""
    if not isinstance(message, pod_pb2.Pod) or not message.HasField("spec"):
        return codec.to_json(message)
    encoded = message.spec.SerializeToString()
    if len(encoded) > _REMEMBERED_BYTES:
        return codec.to_json(message)
    message.ClearField("spec")
    rest = codec.to_dict(message)
    status = rest.pop("status", None)
    data: dict[str, object] = {**rest, "spec": _spec(encoded)}
    if status is not None:
        data["status"] = status
    return orjson.dumps(data)


@lru_cache(maxsize=_REMEMBERED)
def _spec(encoded: bytes) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(codec.part_to_dict(pod_pb2.PodSpec.FromString(encoded))))
