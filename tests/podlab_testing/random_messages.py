"""Messages of any type with any of their fields, from few values: two of them have much in common.

They have nothing that JSON does not show, as a time that is zero.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from podlab.api.serializer.encoding import child_type, is_map

M = TypeVar("M", bound=Message)
_SHARE = 0.4
_DEEPEST = 7
_MOST_ITEMS = 3

_PLAIN: Final[Mapping[int, tuple[Any, ...]]] = {
    FieldDescriptor.TYPE_STRING: ("a", "b", "c"),
    FieldDescriptor.TYPE_BOOL: (True, False),
    FieldDescriptor.TYPE_INT32: (0, 1, 2),
    FieldDescriptor.TYPE_INT64: (0, 1, 2),
    FieldDescriptor.TYPE_UINT32: (0, 1, 2),
    FieldDescriptor.TYPE_DOUBLE: (0.5, 1.0),
    FieldDescriptor.TYPE_BYTES: (b"a", b"b"),
}
_JSON = (b'{"a": {"b": 1}}', b'{"a": {"b": 2, "c": []}}', b'["x"]', b"{}", b"1")
_SPECIAL: Final[Mapping[str, Callable[[random.Random, Any], object]]] = {
    "podlab.meta.v1.Time": lambda chance, it: it.__setattr__("seconds", chance.randrange(1, 3)),
    "podlab.meta.v1.MicroTime": lambda chance, it: it.__setattr__("seconds", chance.randrange(1, 3)),
    "podlab.meta.v1.Duration": lambda chance, it: it.__setattr__("duration", chance.randrange(1, 3)),
    "podlab.meta.v1.IntOrString": lambda chance, it: it.__setattr__("intVal", chance.randrange(1, 3)),
    "podlab.meta.v1.FieldsV1": lambda chance, it: it.__setattr__("Raw", b'{"f:a":{}}'),
    "podlab.meta.v1.Quantity": lambda chance, it: it.__setattr__("string", chance.choice(("1", "2"))),
    "podlab.meta.v1.RawExtension": lambda chance, it: it.__setattr__("raw", chance.choice(_JSON)),
    "podlab.apiextensions.v1.JSON": lambda chance, it: it.__setattr__("raw", chance.choice(_JSON)),
}


def random_message(message: type[M], chance: random.Random) -> M:
    """One of the type. Fields that hold the like of themselves end somewhere."""
    made = message()
    _fill(made, chance, 0)
    return made


def changed(message: M, chance: random.Random) -> M:
    """The same, with some of it otherwise."""
    made = type(message)()
    made.CopyFrom(message)
    other = random_message(type(message), chance)
    _mix(made, other, chance)
    return made


def _mix(made: Any, other: Any, chance: random.Random) -> None:
    if made.DESCRIPTOR.full_name in _SPECIAL:
        made.CopyFrom(other)
        return
    for field in made.DESCRIPTOR.fields:
        lot = chance.random()
        if lot < 0.15:
            made.ClearField(field.name)
        elif lot < 0.3:
            made.ClearField(field.name)
            _take(made, other, field)
        elif field.message_type is not None and not field.is_repeated and made.HasField(field.name):
            _mix(getattr(made, field.name), getattr(other, field.name), chance)
        elif field.message_type is not None and field.is_repeated and not is_map(field):
            for one, another in zip(getattr(made, field.name), getattr(other, field.name), strict=False):
                _mix(one, another, chance)


def _take(made: Any, other: Any, field: FieldDescriptor) -> None:
    copy = type(other)()
    copy.CopyFrom(other)
    for one in copy.DESCRIPTOR.fields:
        if one.name != field.name:
            copy.ClearField(one.name)
    made.MergeFrom(copy)


def _fill(made: Any, chance: random.Random, depth: int) -> None:
    descriptor: Descriptor = made.DESCRIPTOR
    if (special := _SPECIAL.get(descriptor.full_name)) is not None:
        special(chance, made)
        return
    for field in descriptor.fields:
        if chance.random() < _SHARE * (1 - depth / _DEEPEST):
            _set(made, field, chance, depth)


def _set(made: Any, field: FieldDescriptor, chance: random.Random, depth: int) -> None:
    at = getattr(made, field.name)
    if is_map(field):
        value = child_type(field).fields_by_name["value"]
        for key in chance.sample(("a", "b", "c"), chance.randrange(1, 3)):
            if value.message_type is None:
                at[key] = chance.choice(_PLAIN[value.type])
            else:
                _fill(at[key], chance, depth + 1)
    elif field.is_repeated:
        for _ in range(chance.randrange(1, _MOST_ITEMS)):
            if field.message_type is None:
                at.append(chance.choice(_PLAIN[field.type]))
            else:
                _fill(at.add(), chance, depth + 1)
    elif field.message_type is None:
        setattr(made, field.name, chance.choice(_PLAIN[field.type]))
    else:
        at.SetInParent()
        _fill(at, chance, depth + 1)
