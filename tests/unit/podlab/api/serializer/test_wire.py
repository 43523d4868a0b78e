"""Parts of encoded messages, as protobuf reads them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from podlab.api.serializer import wire
from podlab.meta.v1.meta_pb2 import ObjectMeta


@given(st.integers(min_value=0, max_value=2**40))
def test_lengths_are_written_as_protobuf_does(number: int) -> None:
    value, shift = 0, 0
    for byte in wire.varint(number):
        value |= (byte & 0x7F) << shift
        shift += 7
    assert value == number


@given(st.text(max_size=300))
def test_a_field_is_read_as_it_was_written(text: str) -> None:
    for number, name in ((ObjectMeta.NAME_FIELD_NUMBER, "name"), (ObjectMeta.FINALIZERS_FIELD_NUMBER, "finalizers")):
        read = ObjectMeta.FromString(wire.length_delimited(wire.tag(number), text.encode()))
        assert getattr(read, name) in (text, [text])
