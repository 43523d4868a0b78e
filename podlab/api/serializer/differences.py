"""What differs between two messages of one type, as JSON. What is equal is compared in C and never written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from podlab.api.serializer.encoding import child_type, convert, encoder, is_alternative, is_inline, is_map
from podlab.api.serializer.scalars import SCALARS
from podlab.api.values.jsonvalues import Json
from podlab.meta.v1 import options_pb2

# What stands for a list that is one value.
_WAS, _IS = ["was"], ["is"]
_OF_PARTS = (options_pb2.LIST_TYPE_MAP, options_pb2.LIST_TYPE_SET)


class _Member(NamedTuple):
    """`inner` is the type of a message that is an object in JSON, `empty` what stands for it when it is inlined."""

    name: str
    write: Callable[[Json], Json] | None
    inner: Descriptor | None
    empty: Message | None
    holds_messages: bool
    is_one_value: bool
    """A list of messages that is replaced as a whole."""


def differing(old: Message, new: Message) -> tuple[dict[str, Json], dict[str, Json]]:
    """The members that differ, as they were and as they are; of objects, again only what differs in them, and of lists
    of one length only items that are not what stood in their place. Of lists of messages that are one value nothing is
    told but that they differ."""
    before: dict[str, Json] = {}
    after: dict[str, Json] = {}
    _differ(old, new, before, after)
    return before, after


def _differ(old: Message, new: Message, before: dict[str, Json], after: dict[str, Json]) -> None:
    members, absent = _known(old.DESCRIPTOR)
    had, has = dict(old.ListFields()), dict(new.ListFields())
    for field in {**had, **has}:
        was, now = had.get(field), has.get(field)
        if was is not None and now is not None and was == now:
            continue
        member = members[field]
        if member.empty is not None:
            _differ(member.empty if was is None else was, member.empty if now is None else now, before, after)
        elif member.inner is not None and was is not None and now is not None:
            _differ(was, now, before.setdefault(member.name, {}), after.setdefault(member.name, {}))
        elif member.is_one_value and was is not None and now is not None:
            before[member.name], after[member.name] = _WAS, _IS
        else:
            if member.holds_messages and was is not None and now is not None and len(was) == len(now):
                pairs = [(one, other) for one, other in zip(was, now, strict=True) if one != other]
                was, now = [one for one, _ in pairs], [other for _, other in pairs]
            _say(member, was, absent, before)
            _say(member, now, absent, after)


def _say(member: _Member, value: Json, absent: Mapping[str, Json], said: dict[str, Json]) -> None:
    """What JSON has there; some members stand there even when they are empty."""
    if value is not None:
        said[member.name] = value if member.write is None else member.write(value)
    elif member.name in absent:
        said[member.name] = absent[member.name]


@cache
def _known(descriptor: Descriptor) -> tuple[dict[FieldDescriptor, _Member], dict[str, Json]]:
    members = {field: _member(field) for field in descriptor.fields}
    return members, encoder(descriptor)(GetMessageClass(descriptor)())


def _is_object(message: Descriptor) -> bool:
    return message.full_name not in SCALARS and not is_alternative(message)


def _member(field: FieldDescriptor) -> _Member:
    message = field.message_type
    is_object = message is not None and not field.is_repeated and _is_object(message)
    empty = GetMessageClass(child_type(field))() if is_inline(field) else None
    holds_messages = message is not None and field.is_repeated and not is_map(field)
    is_one_value = holds_messages and field.GetOptions().Extensions[options_pb2.list_type] not in _OF_PARTS
    return _Member(field.json_name, convert(field), message if is_object else None, empty, holds_messages, is_one_value)
