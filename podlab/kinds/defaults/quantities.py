"""Quantities as they are stored: in Kubernetes' canonical form, amounts of resources in thousandths at the finest.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from podlab.api.serializer.encoding import is_map, reached
from podlab.api.values import quantity
from podlab.meta.v1.meta_pb2 import Quantity

_Way = tuple[str, bool, bool]
"""A field: its name, whether it is a list, whether it is a map of amounts."""


def settle(message: Message, old: Message | None = None) -> None:
    """Put the quantities of the message into their form. What is as in `old` stays as it was stored.

    What is no quantity stays as well: validation says so.
    """
    for name, is_list, of_amounts in _ways(message.DESCRIPTOR):
        value: Any = getattr(message, name)
        if old is not None and value == getattr(old, name):
            continue
        if of_amounts:
            for each in value.values():
                _write(each, thousandths=True)
        elif is_list:
            for each in value:
                settle(each)
        elif message.HasField(name):
            if isinstance(value, Quantity):
                _write(value)
            else:
                settle(value, getattr(old, name) if old is not None else None)


def _write(amount: Quantity, *, thousandths: bool = False) -> None:
    try:
        text = quantity.canonical(amount.string, thousandths=thousandths)
    except ValueError:
        return
    if text != amount.string:
        amount.string = text


@cache
def _ways(descriptor: Descriptor) -> tuple[_Way, ...]:
    """Its fields that are quantities, or lead to some."""
    ways: list[_Way] = []
    for field in descriptor.fields:
        inner = field.message_type
        if inner is None:
            continue
        if is_map(field):
            value = inner.fields_by_name["value"].message_type
            if value is Quantity.DESCRIPTOR:
                ways.append((field.name, False, True))
        elif inner is Quantity.DESCRIPTOR or Quantity.DESCRIPTOR.full_name in reached(inner):
            ways.append((field.name, field.is_repeated, False))
    return tuple(ways)
