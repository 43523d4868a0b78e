"""null as an element of a list or as a value of a map is Go's zero value, in every field of every message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from podlab_testing import builtin_kinds

from podlab.api.serializer import codec
from podlab.api.serializer.encoding import is_map
from podlab.meta.v1.meta_pb2 import Quantity


def fields_of(descriptor: Descriptor, seen: set[str]) -> Iterator[FieldDescriptor]:
    if descriptor.full_name in seen:
        return
    seen.add(descriptor.full_name)
    for field in descriptor.fields:
        if field.is_repeated:
            yield field
        if field.message_type is not None:
            yield from fields_of(field.message_type, seen)


def repeated_fields() -> list[FieldDescriptor]:
    seen = {"podlab.authentication.v1.ExtraValue", "podlab.authorization.v1.ExtraValue"}  # not objects in JSON
    found = [field for kind in builtin_kinds.STORED for field in fields_of(kind.message.DESCRIPTOR, seen)]
    return [field for field in found if not field.containing_type.GetOptions().map_entry]


@pytest.mark.parametrize("field", repeated_fields(), ids=lambda field: field.full_name)
def test_null_is_read_as_the_zero_value(field: FieldDescriptor) -> None:
    sent: Any = {"a": None} if is_map(field) else [None]
    read = codec.part_from_dict({field.json_name: sent}, GetMessageClass(field.containing_type))
    if not is_map(field):
        (value,) = getattr(read, field.name)
    else:
        value = getattr(read, field.name)["a"]
    assert value in ("", b"", False, 0) or value.SerializeToString() in (b"", Quantity(string="0").SerializeToString())
