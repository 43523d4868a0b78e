"""The parts of an object that are written apart: the whole, its status, a pod's ephemeral containers, what a namespace
waits for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.message import Message

from master.apiserver.registry import changes
from master.apiserver.registry.strategies.table import Strategy
from podlab.errors import Cause
from podlab.kinds import validation


@dataclass(frozen=True, slots=True)
class Part:
    """What an update of it makes of what was sent and of what is there, and what may be wrong with that."""

    subresource: str
    changed: Callable[[Message, Message, Strategy], Message]
    validate: Callable[[Message, Message], tuple[Cause, ...]]


WHOLE = Part("", changes.replaced, validation.validate_update)
STATUS = Part("status", changes.with_status, validation.validate_status_update)
"""For those who may have read the rest of the object long ago: nothing else of it is looked at."""
MARKED_STATUS = Part("status", changes.with_marked_status, validation.validate_status_update)
"""As the subresource is written: with what marks the object, its labels and annotations among it."""
EPHEMERAL_CONTAINERS = Part("ephemeralcontainers", changes.joined, validation.validate_joining)
FINALIZE = Part("finalize", changes.finalized, validation.validate_update)
_BY_SUBRESOURCE = {part.subresource: part for part in (WHOLE, MARKED_STATUS, EPHEMERAL_CONTAINERS, FINALIZE)}


def of(subresource: str) -> Part:
    """KeyError when it is none that is written so."""
    return _BY_SUBRESOURCE[subresource]
