"""What a write makes of an object: pure steps from what was sent, and what is there, to what is to be stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from google.protobuf.message import Message

from master.apiserver.registry.strategies.table import Strategy
from podlab.api import kinds
from podlab.apps.v1 import deployment_pb2
from podlab.core.v1 import pod_pb2
from podlab.errors import Conflict
from podlab.kinds import defaults
from podlab.meta.v1 import meta_pb2

_NOT_ASKED_FOR = frozenset({"metadata", "status"})
_MARKS = frozenset({"labels", "annotations", "finalizers", "ownerReferences"})
# What Kubernetes keeps of them when a subresource is written.
_FIXED_MARKS: dict[type[Message], str] = {pod_pb2.Pod: "ownerReferences", deployment_pb2.Deployment: "labels"}

Finish = Callable[[Message, Strategy], None]
"""Gives a new object its defaults, and what admission and its kind add."""


def finishing(complete: Callable[[Message], None]) -> Finish:
    """One step after the other; `complete` is what admission adds."""

    def finish(message: Message, strategy: Strategy) -> None:
        defaults.settle(message)
        defaults.apply(message)
        complete(message)
        strategy.at_create(message)

    return finish


def begin(message: Any, strategy: Strategy, uid: str, now: meta_pb2.Time, finish: Finish) -> None:
    """Make a new object of what was sent: the cluster's own fields, and what `finish` makes of the rest."""
    metadata: meta_pb2.ObjectMeta = message.metadata
    metadata.uid = uid
    metadata.creationTimestamp.CopyFrom(now)
    metadata.generation = 1 if strategy.counts_generations else 0
    metadata.ClearField("deletionTimestamp")
    metadata.ClearField("deletionGracePeriodSeconds")
    if kinds.of(message).has_status and not strategy.keeps_status_at_create:
        message.ClearField("status")
    finish(message, strategy)


def check_preconditions(current: Any, uid: str, resource_version: str) -> None:
    """Raises Conflict when the caller means another object, or an older state of it. What is empty is not checked, and
    no object has the resourceVersion 0, which stands for any."""
    metadata: meta_pb2.ObjectMeta = current.metadata
    resource = kinds.of(current).resource
    if uid and uid != metadata.uid:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata.uid}"
        raise Conflict.of(resource, metadata.name, why)
    if resource_version not in ("", "0", metadata.resourceVersion):
        raise Conflict.of(resource, metadata.name)


def replaced(message: Message, old: Any, strategy: Strategy) -> Message:
    """The object after an update: what was sent, with what only the cluster sets, and the status, from `old`."""
    copy = type(message)()
    copy.CopyFrom(message)
    _take_over(copy, old, strategy)
    return copy


def _take_over(new: Any, old: Any, strategy: Strategy) -> None:
    new.metadata.resourceVersion = old.metadata.resourceVersion
    if kinds.of(new).has_status:
        new.status.CopyFrom(old.status) if old.HasField("status") else new.ClearField("status")
    if not new.metadata.generateName:
        new.metadata.generateName = old.metadata.generateName
    defaults.settle(new, old)
    defaults.inherit(new, old)
    defaults.apply(new)
    strategy.at_update(new, old)
    if strategy.counts_generations and _asks_differently(new, old):
        new.metadata.generation = old.metadata.generation + 1


def with_marked_status(message: Any, old: Message, strategy: Strategy) -> Message:
    """The object after a write of its status subresource: `old` with the status and the marks that were sent."""
    new = with_status(message, old, strategy)
    _mark(new, message)
    return new


def finalized(message: Any, old: Message, _: Strategy) -> Message:
    """The namespace after a write of what it waits for."""
    new: Any = type(old)()
    new.CopyFrom(old)
    _mark(new, message)
    new.spec.finalizers[:] = message.spec.finalizers
    return cast(Message, new)


def _mark(new: Any, message: Any) -> None:
    for name in _MARKS - {_FIXED_MARKS.get(type(new), "")}:
        new.metadata.ClearField(name)
        getattr(new.metadata, name).MergeFrom(getattr(message.metadata, name))


def with_status(message: Any, old: Message, strategy: Strategy) -> Message:
    """The object after a status update: `old` with the status that was sent."""
    new = type(old)()
    new.CopyFrom(old)
    status: Any = new.status  # type: ignore[attr-defined]
    status.CopyFrom(message.status)
    defaults.settle(new, old)
    strategy.at_status(new, old)
    return new


def joined(message: Any, old: Message, strategy: Strategy) -> Message:
    """The pod after an update of its ephemeral containers: `old` with those that were sent."""
    new: Any = type(old)()
    new.CopyFrom(old)
    del new.spec.ephemeralContainers[:]
    new.spec.ephemeralContainers.extend(message.spec.ephemeralContainers)
    defaults.settle(new, old)
    defaults.apply(new)
    if strategy.counts_generations and _asks_differently(new, old):
        new.metadata.generation = new.metadata.generation + 1
    return cast(Message, new)


def _asks_differently(new: Message, old: Message) -> bool:
    fields = [field.name for field in new.DESCRIPTOR.fields if field.name not in _NOT_ASKED_FOR]
    return any(getattr(new, name) != getattr(old, name) for name in fields)
