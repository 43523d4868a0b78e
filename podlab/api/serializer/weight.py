"""How many values an object is made of: what it costs to read and to check goes by that, and not by its bytes.

Three MiB of JSON can be a million empty objects, each of which becomes a message and is looked at by every rule.
"""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from podlab.errors import RequestTooLarge

MOST = 50_000
"""A ConfigMap of so many keys. An EndpointSlice of 1,000 endpoints, the largest object that is right, has 40,000."""
# An object costs as much as so many plain values.
_OBJECT = 5
# What is smaller cannot be too much: an object that says nothing takes two bytes.
_SMALL_BYTES = 2 * MOST // _OBJECT - 1
# One that does not end goes to the end of the text; nothing is looked at twice.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)


def check_json(text: bytes) -> None:
    """Raises RequestTooLarge for JSON that is made of too much, before anything is made of it."""
    if _weight(text) > MOST and _weight(_STRING.sub(b"", text)) > MOST:
        raise _too_much()


def _weight(text: bytes) -> int:
    """Of JSON, with what its strings hold: before each further value there is a comma."""
    return _OBJECT * text.count(b"{") + text.count(b"[") + text.count(b",")


def check_message(message: Message) -> None:
    """Raises RequestTooLarge for an object that is made of too much, whatever it came as."""
    if message.ByteSize() <= _SMALL_BYTES:
        return
    left, waiting = MOST, [message]
    while waiting:
        for field, value in waiting.pop().ListFields():
            objects = _objects(field, value)
            left -= 1 if not field.is_repeated else len(value)
            if objects is not None:
                left -= (_OBJECT - 1) * len(objects)
            if left < 0:
                raise _too_much()
            waiting += objects or ()


def _objects(field: FieldDescriptor, value: Any) -> Any:
    """Those that the field holds; None for plain values."""
    if field.message_type is None:
        return None
    if not field.message_type.GetOptions().map_entry:
        return value if field.is_repeated else [value]
    is_plain = field.message_type.fields_by_name["value"].message_type is None
    return None if is_plain else value.values()


def _too_much() -> RequestTooLarge:
    return RequestTooLarge(
        f"Request entity too large: it is made of more than {MOST} values, of which an object counts for {_OBJECT}"
    )
