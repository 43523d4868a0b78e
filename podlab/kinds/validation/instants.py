"""Points in time, wherever an object holds one: only those of the years 1 to 9999 can be written as RFC 3339."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from podlab.api.serializer.encoding import is_map, reached
from podlab.kinds.validation.findings import Findings
from podlab.meta.v1 import meta_pb2

FIRST_S, LAST_S = -62_135_596_800, 253_402_300_799
_INSTANTS = (meta_pb2.Time.DESCRIPTOR, meta_pb2.MicroTime.DESCRIPTOR)
_NAMES = frozenset(instant.full_name for instant in _INSTANTS)
_Elements = Callable[[Any], Iterable[tuple[Any, Any]]]
"""Keys, or places, and values."""


def check_instants(found: Findings, message: Message, path: str = "", *, aside: str = "") -> None:
    """Find fault with what is no time that exists. The field `aside` is not looked at."""
    for name, is_instant, of_many in _leading_to_instants(message.DESCRIPTOR):
        if name == aside:
            continue
        if of_many is None:
            if message.HasField(name):
                _check(found, getattr(message, name), path, name, is_instant=is_instant)
        elif held := getattr(message, name):
            for key, element in of_many(held):
                _check(found, element, path, f"{name}[{key}]", is_instant=is_instant)


def _check(found: Findings, value: Any, path: str, name: str, *, is_instant: bool) -> None:
    if not is_instant:
        check_instants(found, value, _joined(path, name))
    elif not (FIRST_S <= value.seconds <= LAST_S and 0 <= value.nanos < 10**9):
        told = f"{value.seconds} s and {value.nanos} ns after 1970"
        found.invalid(_joined(path, name), told, "must be a time between the years 1 and 9999")


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@cache
def _leading_to_instants(descriptor: Descriptor) -> tuple[tuple[str, bool, _Elements | None], ...]:
    """Its fields that are instants, or hold some; which of both; and how to go through those of many, of which a map's
    hold its values.

    Found once: each object that is written pays for the look at it.
    """
    return tuple(
        (field.name, _value_of(field) in _INSTANTS, _elements(field))
        for field in descriptor.fields
        if (inner := field.message_type) is not None and (inner in _INSTANTS or _NAMES & reached(inner))
    )


def _value_of(field: FieldDescriptor) -> Descriptor | None:
    """What its elements are."""
    message = field.message_type
    return message.fields_by_name["value"].message_type if message is not None and is_map(field) else message


def _elements(field: FieldDescriptor) -> _Elements | None:
    if is_map(field):
        return lambda found: found.items()
    return enumerate if field.is_repeated else None
