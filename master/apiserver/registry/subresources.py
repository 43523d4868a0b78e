"""What is written of an object: the whole, or a subresource of it. Pure but for the clock that deletions are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import Message

from master.apiserver.admission.write import Write
from master.apiserver.registry import changes
from podlab.api.objects import typed
from podlab.authentication.v1.token_pb2 import TokenRequest
from podlab.errors import BadRequest, Cause
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.validation import rules
from podlab.kinds.validation.cluster import tokenrequests
from podlab.kinds.validation.rules import Rules
from podlab.meta.v1 import meta_pb2

Complete = Callable[[Message, Message, Resource], Message]
Prepare = Callable[[Message, Message, Strategy, meta_pb2.Time], None]


class Validate(Protocol):
    """Finds what is wrong with the new object."""

    def __call__(self, rules: Rules, new: Message, old: Message, *, namespaced: bool) -> tuple[Cause, ...]: ...


@dataclass(frozen=True, slots=True)
class SubresourceStrategy:
    """`complete` makes the new object of what was sent, which it may keep, and of what is there. `prepare` is what its
    kind adds, once admission plugins have had their say. managedFields say who wrote what `is_tracked`."""

    complete: Complete
    prepare: Prepare
    validate: Validate
    stores: bool = True
    """False where what is sent is answered, and the object stays as it is."""
    is_tracked: bool = True


def of(write: Write) -> SubresourceStrategy:
    """Raises BadRequest for the status of a kind without one, KeyError for what is not written so."""
    if write.subresource != "status":
        return _BY_NAME[write.subresource]
    if not write.seen.has_status:
        raise BadRequest(f"{write.kind.plural} have no status")
    return _MARKED_STATUS if write.writes_marks else _STATUS


def _replaced(sent: Message, old: Message, resource: Resource) -> Message:
    changes.replace(sent, old, resource)
    return sent


def _as_sent(sent: Message, _: Message, __: Resource) -> Message:
    return sent


def _prepare_whole(new: Message, old: Message, strategy: Strategy, _: meta_pb2.Time) -> None:
    strategy.prepare_for_update(new, old)
    changes.count_generation(new, old, strategy)


def _prepare_status(new: Message, old: Message, strategy: Strategy, now: meta_pb2.Time) -> None:
    strategy.prepare_for_status_update(new, old, now)


def _prepare_generation(new: Message, old: Message, strategy: Strategy, _: meta_pb2.Time) -> None:
    changes.count_generation(new, old, strategy)


def _prepare_nothing(new: Message, old: Message, strategy: Strategy, now: meta_pb2.Time) -> None:
    """The subresource alone says what changes."""


def _no_causes(rules: Rules, new: Message, old: Message, *, namespaced: bool) -> tuple[Cause, ...]:
    """Whoever may write it writes nothing that could be invalid."""
    return ()


def _token_causes(rules: Rules, new: Message, old: Message, *, namespaced: bool) -> tuple[Cause, ...]:
    return tokenrequests.check(typed(new, TokenRequest).spec)


_WHOLE = SubresourceStrategy(_replaced, _prepare_whole, rules.validate_update)
_STATUS = SubresourceStrategy(changes.with_status, _prepare_status, rules.validate_status_update)
_MARKED_STATUS = SubresourceStrategy(changes.with_marked_status, _prepare_status, rules.validate_status_update)
_BY_NAME: Mapping[str, SubresourceStrategy] = {
    "": _WHOLE,
    "scale": _WHOLE,
    "approval": _MARKED_STATUS,
    "ephemeralcontainers": SubresourceStrategy(changes.joined, _prepare_generation, rules.validate_joining),
    "resize": SubresourceStrategy(changes.resized, _prepare_generation, rules.validate_resizing),
    "finalize": SubresourceStrategy(changes.finalized, _prepare_nothing, rules.validate_update),
    "binding": SubresourceStrategy(_as_sent, _prepare_nothing, _no_causes, is_tracked=False),
    "token": SubresourceStrategy(_as_sent, _prepare_nothing, _token_causes, stores=False, is_tracked=False),
}
