"""Messages that came as bytes become what the same object, sent as JSON, would have become.

Go's clients write every struct, empty ones too, and nobody has looked at the text in a Quantity yet. What JSON's reader
refuses is refused here, by the same path; what it leaves out is taken out. Compiled once per message type, so that a
walk visits only the fields that can need it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from podlab.api.serializer.decoding import NOT_SUPPORTED, Path, limitation, path_text
from podlab.api.serializer.encoding import (
    alternative_order,
    child_type,
    encoder,
    is_alternative,
    is_always,
    is_inline,
    is_map,
)
from podlab.api.serializer.scalars import SCALARS
from podlab.api.values import quantity, times
from podlab.api.values.jsonvalues import described
from podlab.apiextensions.v1 import jsonschema_pb2
from podlab.errors import Cause
from podlab.meta.v1 import meta_pb2

Step = Callable[[Message, Any, Path, list[Cause]], None]
"""Takes a message, the value of one of its fields, the message's path, and the problems found so far."""
_Parts = Mapping[str, Message] | Sequence[Message]
"""A list or a map of messages."""
Fill = Callable[[Message, Path, list[Cause]], None]
"""The same, for a field that JSON has whether or not it is set."""
Fix = Callable[[Any], bool]
"""Takes a message that is a scalar in JSON; returns whether there is one at all. Raises ValueError."""


def settle(message: Message, problems: list[Cause]) -> None:
    """Change the message in place; what is wrong with it goes to `problems`."""
    _settle(message, None, problems)


def _settle(message: Message, path: Path, problems: list[Cause]) -> None:
    steps, fills = _compiled(message.DESCRIPTOR)
    for field, value in message.ListFields():
        step = steps.get(field.name)
        if step is not None:
            step(message, value, path, problems)
    for fill in fills:
        fill(message, path, problems)


@cache
def _compiled(descriptor: Descriptor) -> tuple[Mapping[str, Step], tuple[Fill, ...]]:
    """What to do with the fields that are set, by name, and with those that may not be."""
    steps = {field.name: step for field in descriptor.fields if (step := _step(field)) is not None}
    fills = tuple(fill for field in descriptor.fields if (fill := _fill(field)) is not None)
    return steps, (*fills, _keep_what_counts) if is_alternative(descriptor) else fills


@cache
def _needs(descriptor: Descriptor) -> bool:
    """Whether there can be something to do in a message of the type, or in one that it holds."""
    seen: set[str] = set()
    waiting = [descriptor]
    while waiting:
        one = waiting.pop()
        if one.full_name in seen:
            continue
        seen.add(one.full_name)
        for field in one.fields:
            if is_always(field) or is_inline(field) or limitation(field) is not None:
                return True
            inner = _inner(field)
            if inner is not None and inner.full_name in SCALARS:
                return True
            waiting += [inner] if inner is not None else []
    return False


def _inner(field: FieldDescriptor) -> Descriptor | None:
    """The type of messages that the field holds, or that are the values of its map."""
    return child_type(field).fields_by_name["value"].message_type if is_map(field) else field.message_type


def _step(field: FieldDescriptor) -> Step | None:
    inner = _inner(field)
    if inner is None:
        return _limiting(field)
    if inner.full_name in SCALARS:
        fix = _FIXES.get(inner.full_name)
        return _fixing(field, fix) if fix is not None else None
    if not _needs(inner) and not is_always(field) and not is_inline(field):
        return None
    return _settling(field)


def _keep_what_counts(message: Message, *_: object) -> None:
    """Of alternatives, the one that JSON has."""
    said = [field for field, _ in message.ListFields()]
    for field in sorted(said, key=alternative_order)[1:]:
        message.ClearField(field.name)


def _settling(field: FieldDescriptor) -> Step:
    """For fields that hold messages."""
    name, shown = field.name, field.json_name

    def each(_: Message, value: _Parts, path: Path, problems: list[Cause]) -> None:
        for step, part in _parts(value):
            _settle(part, ((path, shown), step), problems)

    if field.is_repeated:
        return each
    inline = is_inline(field)
    vanishes = is_always(field) or (inline and not _says_something_empty(field)) or _is_null_when_empty(field)

    def one(message: Message, value: Message, path: Path, problems: list[Cause]) -> None:
        _settle(value, path if inline else (path, shown), problems)
        if vanishes and not value.ListFields():
            message.ClearField(name)

    return one


def _is_null_when_empty(field: FieldDescriptor) -> bool:
    """Whether JSON has null where none of the alternatives is set."""
    inner = field.message_type
    if inner is None or is_map(field) or not is_alternative(inner):
        return False
    return all(one.is_repeated or one.message_type is not None for one in inner.fields)


def _fixing(field: FieldDescriptor, fix: Fix) -> Step:
    """For fields that hold scalars."""
    name = field.name

    def each(_: Message, value: _Parts, path: Path, problems: list[Cause]) -> None:
        for step, part in _parts(value):
            if not _fixed(fix, part, ((path, name), step), problems):
                part.Clear()

    def one(message: Message, value: Message, path: Path, problems: list[Cause]) -> None:
        if not _fixed(fix, value, (path, name), problems):
            message.ClearField(name)

    return each if field.is_repeated else one


def _parts(value: _Parts) -> Iterable[tuple[int | tuple[str], Message]]:
    """What a list or a map holds, each with its step in a path."""
    return (((key,), part) for key, part in value.items()) if isinstance(value, Mapping) else enumerate(value)


def _fixed(fix: Fix, value: Message, path: Path, problems: list[Cause]) -> bool:
    try:
        return fix(value)
    except ValueError as error:
        problems.append(Cause(path_text(path), "FieldValueInvalid", str(error)))
        return True


def _limiting(field: FieldDescriptor) -> Step | None:
    """For a field of which Podlab does only what some values say."""
    limits = limitation(field)
    if limits is None or is_always(field):
        return None
    name, (values, words) = field.name, limits

    return lambda _, value, path, problems: _limit(value, values, words, (path, name), problems)


def _limit(value: object, values: Container[object], words: str, path: Path, problems: list[Cause]) -> None:
    if value not in values:
        problems.append(Cause(path_text(path), NOT_SUPPORTED, words))


def _fill(field: FieldDescriptor) -> Fill | None:
    """For fields whose absence is written as a value, and is read as one."""
    name, limits = field.name, limitation(field)
    if is_inline(field):
        return (lambda message, *_: getattr(message, name).SetInParent()) if _says_something_empty(field) else None
    if limits is not None and is_always(field):
        values, words = limits
        return lambda message, path, problems: _limit(getattr(message, name), values, words, (path, name), problems)
    scalar = SCALARS.get(field.message_type.full_name) if field.message_type is not None else None
    if scalar is None or scalar.absent is None or field.is_repeated or not is_always(field):
        return None
    absent = GetMessageClass(child_type(field))(**scalar.read(scalar.absent))

    def fill(message: Message, path: Path, problems: list[Cause]) -> None:
        if not message.HasField(name):
            getattr(message, name).CopyFrom(absent)

    return fill


def _says_something_empty(inlined: FieldDescriptor) -> bool:
    """Whether JSON has fields of the inlined message though none of them is set."""
    inner = child_type(inlined)
    return bool(encoder(inner)(GetMessageClass(inner)()))


def _fix_time(when: meta_pb2.Time) -> bool:
    """In JSON it has whole seconds."""
    is_set = not times.is_zero(when)
    when.nanos = 0
    return is_set


def _fix_micro_time(when: meta_pb2.MicroTime) -> bool:
    is_set = not times.is_zero(when)
    when.nanos -= when.nanos % 1000
    return is_set


def _fix_quantity(amount: meta_pb2.Quantity) -> bool:
    quantity.parse(amount)
    return True


def _fix_int_or_string(either: meta_pb2.IntOrString) -> bool:
    """The one that counts."""
    if either.type == _STRING:
        either.ClearField("intVal")
    else:
        either.ClearField("strVal")
        either.ClearField("type")
    return True


def _fix_raw(extension: meta_pb2.RawExtension) -> bool:
    """As this server writes JSON. What is none is nothing."""
    try:
        value = orjson.loads(extension.raw)
    except orjson.JSONDecodeError:
        return False
    if value is not None:
        extension.raw = orjson.dumps(_an_object(value))
    return value is not None


def _fix_json(value: jsonschema_pb2.JSON) -> bool:
    """As this server writes JSON. What is none is nothing."""
    try:
        value.raw = orjson.dumps(orjson.loads(value.raw))
    except orjson.JSONDecodeError:
        return False
    return value.raw != _NULL


def _fix_fields(fields: meta_pb2.FieldsV1) -> bool:
    """As `_fix_raw`."""
    extension = meta_pb2.RawExtension(raw=fields.Raw)
    says = _fix_raw(extension)
    fields.Raw = extension.raw
    return says


def _an_object(value: object) -> object:
    if type(value) is not dict:
        raise ValueError(f"expected an object, found {described(value)}")
    return value


_STRING = 1
_NULL = b"null"
_FIXES: Mapping[str, Fix] = {
    meta_pb2.Time.DESCRIPTOR.full_name: _fix_time,
    meta_pb2.MicroTime.DESCRIPTOR.full_name: _fix_micro_time,
    meta_pb2.Quantity.DESCRIPTOR.full_name: _fix_quantity,
    meta_pb2.IntOrString.DESCRIPTOR.full_name: _fix_int_or_string,
    meta_pb2.RawExtension.DESCRIPTOR.full_name: _fix_raw,
    jsonschema_pb2.JSON.DESCRIPTOR.full_name: _fix_json,
    meta_pb2.FieldsV1.DESCRIPTOR.full_name: _fix_fields,
}
