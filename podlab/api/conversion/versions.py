"""Kinds that are read and written in another version, or another group, than the one that is stored: from each to the
other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.conversion import autoscaler_versions, event_versions
from podlab.api.kinds import Kind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.autoscaling.v1 import horizontalpodautoscaler_pb2
from podlab.events.v1 import event_pb2


@dataclass(frozen=True)
class _Conversion:
    stored: Callable[[Any], Message]
    shown: Callable[[Any], Message]


_CONVERSIONS: Mapping[str, _Conversion] = {
    horizontalpodautoscaler_pb2.HorizontalPodAutoscaler.DESCRIPTOR.full_name: _Conversion(
        autoscaler_versions.to_v2, autoscaler_versions.to_v1
    ),
    event_pb2.Event.DESCRIPTOR.full_name: _Conversion(event_versions.to_stored, event_versions.from_stored),
}


class ConversionNeeded(Exception):
    """A custom object is wanted in a version in which only its kind's webhook can show it. Whoever awaits asks that,
    and then begins again what this has broken off."""

    def __init__(self, message: Custom, kind: Kind) -> None:
        super().__init__(f"{message.kind} {message.metadata.name!r}: {message.api_version} to {kind.api_version}")
        self.message = message
        self.kind = kind


def stored(message: Message) -> Message:
    """The object as it is stored: itself, unless it came in another version. Raises BadRequest.

    Custom objects stay in the version in which they are written until they are stored.
    """
    conversion = _CONVERSIONS.get(message.DESCRIPTOR.full_name)
    return message if conversion is None else conversion.stored(message)


def shown(message: Message, kind: Kind) -> Message:
    """A stored object, or a custom one in any version, in the version that `kind` is of. Raises ConversionNeeded."""
    if isinstance(message, Custom):
        return custom_in(message, kind)
    return message if kinds.of(message) is kind else _CONVERSIONS[kind.message.DESCRIPTOR.full_name].shown(message)


def custom_in(message: Custom, kind: Kind) -> Custom:
    """The custom object in the version that `kind` is of: itself where it is that already. Raises ConversionNeeded."""
    if message.api_version == kind.api_version:
        return message
    if kind.conversion is not None:
        return kind.conversion.converted(message, kind)
    return Custom(metadata=message.metadata, api_version=kind.api_version, kind=message.kind, content=message.content)
