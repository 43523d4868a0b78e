"""Messages to Kubernetes' JSON shape, by closures that are compiled once per message type from its descriptor."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from podlab.api.serializer.scalars import SCALARS
from podlab.api.values.jsonvalues import Json
from podlab.meta.v1 import options_pb2

Encoder = Callable[[Message], dict[str, Json]]
_Convert = Callable[[Any], Any]
_PLAIN: Mapping[int, Json] = {
    FieldDescriptor.TYPE_STRING: "",
    FieldDescriptor.TYPE_BOOL: False,
    FieldDescriptor.TYPE_INT32: 0,
    FieldDescriptor.TYPE_INT64: 0,
    FieldDescriptor.TYPE_UINT32: 0,
    FieldDescriptor.TYPE_DOUBLE: 0,
}
# From here on Go writes a number with an exponent.
_EXPONENT_FROM = 2.0**63


# Objects that stand in others say there too what they are.
_OBJECTS_WITHIN = {
    "podlab.apps.v1.StatefulSetSpec.volumeClaimTemplates": {"kind": "PersistentVolumeClaim", "apiVersion": "v1"}
}


def _null() -> None:
    return None


def is_inline(field: FieldDescriptor) -> bool:
    """True when the message's own fields stand in the parent's JSON object."""
    return bool(field.GetOptions().Extensions[options_pb2.inline])


def is_always(field: FieldDescriptor) -> bool:
    """True when JSON has the field whether or not it is set."""
    return bool(field.GetOptions().Extensions[options_pb2.always])


def is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def is_alternative(descriptor: Descriptor) -> bool:
    """True when JSON has the value of one of the message's fields in its place."""
    return bool(descriptor.GetOptions().Extensions[options_pb2.alternatives])


def alternative_order(field: FieldDescriptor) -> tuple[bool, bool]:
    """Of alternatives that are all set the first in this order counts: a message, then a list, then a scalar."""
    return field.is_repeated, field.message_type is None


@cache
def reached(descriptor: Descriptor) -> frozenset[str]:
    """The full names of all messages that one of this type may hold, however deep."""
    seen: set[str] = set()
    waiting = [descriptor]
    while waiting:
        found = [field.message_type for field in waiting.pop().fields if field.message_type is not None]
        waiting += (inner for inner in found if inner.full_name not in seen)
        seen.update(inner.full_name for inner in found)
    return frozenset(seen)


def holds_itself(descriptor: Descriptor) -> bool:
    """Whether a message of the type may hold another one: what is compiled of it is then looked up when it is used."""
    return descriptor.full_name in reached(descriptor)


def child_type(field: FieldDescriptor) -> Descriptor:
    """The type of a field that holds messages or is a map."""
    assert field.message_type is not None, field.full_name
    return field.message_type


@cache
def encoder(descriptor: Descriptor) -> Encoder:
    """The function that writes messages of this type."""
    converters = {field: (None if is_inline(field) else field.json_name, convert(field)) for field in descriptor.fields}
    scalars, composites, inlined = _always(descriptor)

    def encode(message: Message) -> dict[str, Json]:
        out = dict(scalars)
        for field, value in message.ListFields():
            name, write = converters[field]
            if name is None:
                out.update(write(value))  # type: ignore[misc]  # an inlined field always has a converter
            else:
                out[name] = value if write is None else write(value)
        for name, make in composites:
            if name not in out:
                out[name] = make()
        for make in inlined:
            out = make() | out
        return out

    return encode


def convert(field: FieldDescriptor) -> _Convert | None:
    """What turns a field's value into JSON; None when it is JSON already."""
    if is_map(field):
        one = convert(child_type(field).fields_by_name["value"])
        if one is None:
            return dict
        return _map_of(one)
    one = _convert_one(field)
    if not field.is_repeated:
        return one
    return list if one is None else _list_of(one)


def _map_of(one: _Convert) -> _Convert:
    return lambda values: {key: one(value) for key, value in values.items()}


def _list_of(one: _Convert) -> _Convert:
    return lambda values: [one(value) for value in values]


def _convert_one(field: FieldDescriptor) -> _Convert | None:
    if field.message_type is not None:
        scalar = SCALARS.get(field.message_type.full_name)
        if scalar:
            return scalar.write
        if is_alternative(field.message_type):
            return _alternative(field.message_type)
        if holds_itself(field.message_type):
            return _later(field.message_type)
        encode, says = encoder(field.message_type), _OBJECTS_WITHIN.get(field.full_name)
        return encode if says is None else lambda value: {**says, **encode(value)}
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda value: b64encode(value).decode("ascii")
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return _number
    if field.type not in _PLAIN:
        raise TypeError(f"{field.full_name}: the codec knows no JSON form for protobuf type {field.type}")
    return None


def _later(descriptor: Descriptor) -> _Convert:
    return lambda message: encoder(descriptor)(message)


def _number(value: float) -> float | int:
    """As Go writes it: a whole one without a point."""
    return int(value) if value.is_integer() and abs(value) < _EXPONENT_FROM else value


def _alternative(descriptor: Descriptor) -> _Convert:
    """Writes the one field that counts."""
    fields = sorted(descriptor.fields, key=alternative_order)
    absent = next(
        (_PLAIN[field.type] for field in fields if field.message_type is None and not field.is_repeated), None
    )

    @cache
    def converters() -> dict[FieldDescriptor, _Convert | None]:
        return {field: convert(field) for field in fields}

    def write(message: Message) -> Json:
        said = dict(message.ListFields())
        for field, convert in converters().items():
            if field in said:
                return said[field] if convert is None else convert(said[field])
        return absent

    return write


_Made = tuple[str, Callable[[], Json]]


def _always(descriptor: Descriptor) -> tuple[dict[str, Json], list[_Made], list[Callable[[], dict[str, Json]]]]:
    """What stands for absent fields that are always written: constants, made values, inlined messages' fields."""
    scalars: dict[str, Json] = {}
    composites: list[_Made] = []
    inlined: list[Callable[[], dict[str, Json]]] = []
    for field in descriptor.fields:
        if is_inline(field):
            child = _empty(child_type(field))
            if child():
                inlined.append(child)
        elif not is_always(field):
            continue
        elif is_map(field):
            composites.append((field.json_name, dict))
        elif field.is_repeated:
            is_null = field.GetOptions().Extensions[options_pb2.null_when_empty]
            composites.append((field.json_name, _null if is_null else list))
        elif field.message_type is None:
            scalars[field.json_name] = _PLAIN[field.type]
        elif field.message_type.full_name in SCALARS:
            scalars[field.json_name] = SCALARS[field.message_type.full_name].absent
        else:
            composites.append((field.json_name, _empty(field.message_type)))
    return scalars, composites, inlined


def _empty(descriptor: Descriptor) -> Callable[[], dict[str, Json]]:
    """What an absent message of this type looks like when it must be written: its own always-written fields."""
    encode, message = encoder(descriptor), GetMessageClass(descriptor)()
    return lambda: encode(message)
