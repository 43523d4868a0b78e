"""What the API says cannot change (`immutable` in the .proto files) does not change."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from podlab_testing import builtin_kinds
from podlab_testing.builtin_kinds import validate_update

from podlab.api.serializer.encoding import child_type, is_inline, is_map
from podlab.meta.v1 import options_pb2

Way = tuple[FieldDescriptor, ...]
# As Kubernetes spells it when it tells of a change.
MISSPELT = {"attachrequired": "attachedrequired"}
# Of the element that was changed.
INDEX = re.compile(r"\[\d+\]")


def ways(message: type[Message]) -> Iterator[Way]:
    """The ways to immutable fields of objects; those of templates are about what is made of them."""
    for field in message.DESCRIPTOR.fields:
        if field.GetOptions().Extensions[options_pb2.immutable]:
            yield (field,)
        if field.name in ("metadata", "spec"):
            for inner in child_type(field).fields:
                if is_inline(inner):
                    yield from ((field, inner, one) for one in child_type(inner).fields if immutable(one))
                elif immutable(inner):
                    yield field, inner


def immutable(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[options_pb2.immutable])


def put(message: Message, way: Way, *, other: bool) -> None:
    """Give the field at the end of the way one of two values."""
    for step in way[:-1]:
        message = getattr(message, step.name)
    field = way[-1]
    if is_map(field):
        getattr(message, field.name)["key"] = "other" if other else "one"
    elif field.is_repeated and field.message_type:
        getattr(message, field.name).add().metadata.name = "other" if other else "one"
    elif field.is_repeated:
        getattr(message, field.name).append("other" if other else "one")
    elif field.message_type:
        fill(getattr(message, field.name), other=other)
    else:
        values = {field.TYPE_STRING: str(other), field.TYPE_BOOL: other}
        setattr(message, field.name, values.get(field.type, 2 if other else 1))


def fill(message: Message, *, other: bool) -> None:
    message.SetInParent()
    for field in message.DESCRIPTOR.fields:
        if not field.is_repeated and field.message_type is None and other:
            values = {field.TYPE_STRING: "other", field.TYPE_BOOL: True, field.TYPE_BYTES: b"{}"}
            setattr(message, field.name, values.get(field.type, 7))
        elif is_map(field) and other:
            getattr(message, field.name)["key"] = "other"
        elif field.is_repeated and field.message_type and other:
            getattr(message, field.name).add()
    if other and not message.ListFields():  # it holds nothing but messages
        fill(getattr(message, message.DESCRIPTOR.fields[-1].name), other=other)


CASES = [(kind.message, way) for kind in builtin_kinds.STORED for way in ways(kind.message)]


@pytest.mark.parametrize(
    ("message", "way"),
    CASES,
    ids=[f"{message.DESCRIPTOR.name}.{'.'.join(step.name for step in way)}" for message, way in CASES],
)
def test_a_change_of_an_immutable_field_is_refused(message: type[Message], way: Way) -> None:
    old, new = message(), message()
    put(old, way, other=False)
    put(new, way, other=True)
    names = [MISSPELT.get(step.name.lower(), step.name.lower()) for step in way]
    refused = [INDEX.sub("", cause.field).lower() for cause in validate_update(new, old)]
    accepted = {".".join(names[: end + 1]) for end in range(len(names))} | {".".join((names[0], names[-1]))}
    assert accepted & set(refused), refused
