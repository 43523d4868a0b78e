"""Messages that Kubernetes' JSON does not write field by field: Time, Quantity, IntOrString, RawExtension and others.

A reader returns what the message's constructor takes, or raises ValueError with what was wanted and found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from podlab.api.serializer import packing
from podlab.api.values import quantity, times
from podlab.api.values.jsonvalues import Json, described
from podlab.apiextensions.v1 import jsonschema_pb2
from podlab.authentication.v1 import user_pb2
from podlab.authorization.v1 import review_pb2
from podlab.meta.v1 import meta_pb2

_INT32 = range(-(2**31), 2**31)


@dataclass(frozen=True)
class ScalarCodec:
    """How one message type is written and read, and what stands for an absent one that must be written."""

    write: Callable[[Any], Json]
    read: Callable[[object], dict[str, object]]
    absent: Json


def _write_time(message: meta_pb2.Time) -> Json:
    return None if times.is_zero(message) else times.text(message)


def _write_micro_time(message: meta_pb2.MicroTime) -> Json:
    return None if times.is_zero(message) else times.micro_text(message)


def _read_time(value: object) -> dict[str, object]:
    when = times.from_datetime(times.parse(_string(value, "a time as a string")))
    return {"seconds": when.seconds}


def _read_micro_time(value: object) -> dict[str, object]:
    when = times.micro_from_datetime(times.parse(_string(value, "a time as a string")))
    return {"seconds": when.seconds, "nanos": when.nanos}


def _read_duration(value: object) -> dict[str, object]:
    return {"duration": times.parse_duration(_string(value, "a duration as a string"))}


def _read_quantity(value: object) -> dict[str, object]:
    if type(value) not in (str, int, float):
        raise ValueError(f"expected a quantity such as 500m or 64Mi, found {described(value)}")
    text = str(value)
    quantity.parse(text)
    return {"string": text}


def _read_int_or_string(value: object) -> dict[str, object]:
    if type(value) is str:
        return {"type": 1, "strVal": value}
    if type(value) is int and value in _INT32:
        return {"intVal": value}
    raise ValueError(f"expected a 32-bit integer or a string, found {described(value)}")


def _write_int_or_string(message: meta_pb2.IntOrString) -> Json:
    return message.strVal if message.type == 1 else message.intVal


def _read_items(value: object) -> dict[str, object]:
    if type(value) is not list or not all(type(item) is str for item in value):
        raise ValueError(f"expected a list of strings, found {described(value)}")
    return {"items": value}


def _write_items(message: user_pb2.ExtraValue | review_pb2.ExtraValue) -> Json:
    return list(message.items)


def _read_raw(value: object) -> dict[str, object]:
    if type(value) is not dict:
        raise ValueError(f"expected an object, found {described(value)}")
    return _read_json(value)


def _read_json(value: Json) -> dict[str, object]:
    try:
        return {"raw": orjson.dumps(value)}
    except orjson.JSONEncodeError as error:
        raise ValueError(f"it cannot be kept as JSON: {error}") from error


def _write_raw(message: meta_pb2.RawExtension | jsonschema_pb2.JSON) -> Json:
    """Null for what is no JSON: validation keeps that out."""
    try:
        value: Json = orjson.loads(message.raw)
    except orjson.JSONDecodeError:
        return None
    return value


def _write_fields(message: meta_pb2.FieldsV1) -> Json:
    """Null for what is no JSON."""
    try:
        value: Json = orjson.loads(packing.unpacked(message.Raw))
    except ValueError:
        return None
    return value


def _read_fields(value: object) -> dict[str, object]:
    return {"Raw": _read_raw(value)["raw"]}


def _string(value: object, wanted: str) -> str:
    if type(value) is not str:
        raise ValueError(f"expected {wanted}, found {described(value)}")
    return value


SCALARS: dict[str, ScalarCodec] = {
    meta_pb2.Time.DESCRIPTOR.full_name: ScalarCodec(_write_time, _read_time, None),
    meta_pb2.MicroTime.DESCRIPTOR.full_name: ScalarCodec(_write_micro_time, _read_micro_time, None),
    meta_pb2.Duration.DESCRIPTOR.full_name: ScalarCodec(
        lambda message: times.duration_text(message.duration), _read_duration, "0s"
    ),
    meta_pb2.Quantity.DESCRIPTOR.full_name: ScalarCodec(lambda message: message.string, _read_quantity, "0"),
    meta_pb2.IntOrString.DESCRIPTOR.full_name: ScalarCodec(_write_int_or_string, _read_int_or_string, 0),
    user_pb2.ExtraValue.DESCRIPTOR.full_name: ScalarCodec(_write_items, _read_items, []),
    meta_pb2.RawExtension.DESCRIPTOR.full_name: ScalarCodec(_write_raw, _read_raw, None),
    jsonschema_pb2.JSON.DESCRIPTOR.full_name: ScalarCodec(_write_raw, _read_json, None),
    meta_pb2.FieldsV1.DESCRIPTOR.full_name: ScalarCodec(_write_fields, _read_fields, None),
    review_pb2.ExtraValue.DESCRIPTOR.full_name: ScalarCodec(_write_items, _read_items, []),
}
