"""Whatever an object holds: defaults settle at once, and validation answers instead of failing."""

from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from podlab_testing import builtin_kinds
from podlab_testing.builtin_kinds import (
    apply_defaults,
    inherit_from,
    validate_create,
    validate_status_update,
    validate_update,
)

from podlab.api.kinds import Kind
from podlab.api.serializer.encoding import holds_itself

TEXTS = st.sampled_from(
    [
        "",
        "web",
        "A_b",
        "a/b",
        "a.b/c",
        "10.0.0.1",
        "10.0.0.0/24",
        "25%",
        "0%",
        "1",
        "-1",
        "500m",
        "1e9",
        "None",
        "Always",
        "Exists",
        "In",
        "Gt",
        "NoExecute",
        "TCP",
        "NodePort",
        "ClientIP",
        "Recreate",
        "kubernetes.io/tls",
        "v1",
    ]
)
NUMBERS = st.sampled_from([0, 1, -1, 80, 30000, 70000, 2**31 - 1])
SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_STRING: TEXTS,
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_INT32: NUMBERS,
    FieldDescriptor.CPPTYPE_INT64: NUMBERS,
    FieldDescriptor.CPPTYPE_DOUBLE: NUMBERS,
}


def fill(draw: st.DrawFn, message: Message) -> None:
    """Set some of the fields, at most two of each list. What may hold itself stays empty."""
    names = [] if holds_itself(message.DESCRIPTOR) else sorted(message.DESCRIPTOR.fields_by_name)
    for name in draw(st.lists(st.sampled_from(names), max_size=5, unique=True)) if names else ():
        field = message.DESCRIPTOR.fields_by_name[name]
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            fill_map(draw, getattr(message, name), field.message_type)
        elif field.message_type is not None and field.is_repeated:
            for _ in range(draw(st.integers(0, 2))):
                fill(draw, getattr(message, name).add())
        elif field.message_type is not None:
            getattr(message, name).SetInParent()
            fill(draw, getattr(message, name))
        elif field.is_repeated:
            getattr(message, name).extend(draw(st.lists(scalar(field), max_size=2)))
        else:
            setattr(message, name, draw(scalar(field)))


def fill_map(draw: st.DrawFn, target: Any, entry: Any) -> None:
    value = entry.fields_by_name["value"]
    for key in draw(st.lists(TEXTS, max_size=2, unique=True)):
        if value.message_type is not None:
            fill(draw, target[key])
        else:
            target[key] = draw(scalar(value))


def scalar(field: Any) -> st.SearchStrategy[Any]:
    return st.binary(max_size=3) if field.type == FieldDescriptor.TYPE_BYTES else SCALARS[field.cpp_type]


@st.composite
def objects(draw: st.DrawFn, kind: Kind) -> Message:
    message = kind.message()
    fill(draw, message)
    return message


@pytest.mark.parametrize("kind", builtin_kinds.STORED, ids=lambda kind: kind.name)
def test_defaults_settle_and_validation_answers(kind: Kind) -> None:
    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(new=objects(kind), old=objects(kind))
    def check(new: Message, old: Message) -> None:
        apply_defaults(old)
        inherit_from(new, old)
        apply_defaults(new)
        once = type(new).FromString(new.SerializeToString())
        apply_defaults(new)
        assert new == once
        for causes in (validate_create(new), validate_update(new, old), validate_status_update(new, old)):
            assert all(cause.reason and cause.message for cause in causes)
        assert new == once, "validation changes nothing"

    check()
