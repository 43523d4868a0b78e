"""Points in time, wherever an object holds one: only those of the years 1 to 9999 can be written as RFC 3339."""

from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from master.apiserver.validation.findings import Findings
from podlab.api.encoding import is_map
from podlab.meta.v1 import meta_pb2

FIRST_S, LAST_S = -62_135_596_800, 253_402_300_799
_INSTANTS = (meta_pb2.Time.DESCRIPTOR, meta_pb2.MicroTime.DESCRIPTOR)


def check_instants(found: Findings, message: Message, path: str = "") -> None:
    """Find fault with what is no time that exists."""
    for field in _leading_to_instants(message.DESCRIPTOR):
        where = f"{path}.{field.name}" if path else field.name
        value: Any = getattr(message, field.name)
        if is_map(field):
            for key, element in value.items():
                _check(found, element, f"{where}[{key}]")
        elif field.is_repeated:
            for index, element in enumerate(value):
                _check(found, element, f"{where}[{index}]")
        elif message.HasField(field.name):
            _check(found, value, where)


def _check(found: Findings, value: Any, where: str) -> None:
    if value.DESCRIPTOR not in _INSTANTS:
        check_instants(found, value, where)
    elif not (FIRST_S <= value.seconds <= LAST_S and 0 <= value.nanos < 10**9):
        told = f"{value.seconds} s and {value.nanos} ns after 1970"
        found.invalid(where, told, "must be a time between the years 1 and 9999")


@cache
def _leading_to_instants(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    """Its fields that are instants, or hold some; a map's entry holds its value."""
    return tuple(
        field
        for field in descriptor.fields
        if (inner := field.message_type) is not None and (inner in _INSTANTS or _leading_to_instants(inner))
    )
