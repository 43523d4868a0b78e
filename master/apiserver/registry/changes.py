"""What a write makes of an object: pure steps from what was sent, and what is there, to what is to be stored."""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.message import Message

from podlab.api import objects
from podlab.api.kinds import Kind
from podlab.api.objects import typed
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.pod_pb2 import Container, Pod
from podlab.errors import BadRequest, Conflict
from podlab.kinds import defaults
from podlab.kinds.defaults.inherit import inherit
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.meta.v1 import meta_pb2

M = TypeVar("M", bound=Message)
_MARKS = frozenset({"labels", "annotations", "finalizers", "ownerReferences"})


def begin(message: Any, resource: Resource, uid: str, now: meta_pb2.Time) -> None:
    """What was sent becomes a new object: it gets the cluster's own fields."""
    metadata: meta_pb2.ObjectMeta = message.metadata
    metadata.uid = uid
    metadata.creationTimestamp.CopyFrom(now)
    strategy = resource.strategy
    metadata.generation = 1 if strategy.counts_generations else 0
    metadata.ClearField("deletionTimestamp")
    metadata.ClearField("deletionGracePeriodSeconds")
    metadata.ClearField("managedFields")
    if resource.kind.has_status and not strategy.keeps_status_at_create:
        strategy.parts.clear_status(message)


def begin_again(message: Any, resource: Resource, own: meta_pb2.ObjectMeta) -> None:
    """What was made of a new object becomes one: with the cluster's own fields, as `own` has them, and with defaults.
    Raises BadRequest for one that has left its namespace."""
    metadata: meta_pb2.ObjectMeta = message.metadata
    if metadata.namespace != own.namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    begin(message, resource, own.uid, own.creationTimestamp)
    metadata.resourceVersion = ""
    set_defaults(message, resource)


def set_defaults(message: Message, resource: Resource) -> None:
    """A new object gets what its author left out."""
    defaults.settle(message)
    resource.strategy.set_defaults(message)


def check_preconditions(current: Any, kind: Kind, uid: str, resource_version: str) -> None:
    """Raises Conflict when the caller means another object, or an older state of it. What is empty is not checked, and
    no object has the resourceVersion 0, which stands for any."""
    metadata: meta_pb2.ObjectMeta = current.metadata
    resource = kind.resource
    if uid and uid != metadata.uid:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata.uid}"
        raise Conflict.of(resource, metadata.name, why)
    if resource_version not in ("", "0", metadata.resourceVersion):
        raise Conflict.of(resource, metadata.name)


def replace(new: Any, old: Any, resource: Resource) -> None:
    """What was sent becomes the object after an update: with what only the cluster sets, and the status, of `old`."""
    metadata: meta_pb2.ObjectMeta = new.metadata
    before: meta_pb2.ObjectMeta = old.metadata
    metadata.resourceVersion = before.resourceVersion
    if resource.kind.has_status:
        resource.strategy.parts.copy_status(new, old)
    if before.generateName and not metadata.generateName:
        metadata.generateName = before.generateName
    defaults.settle(new, old)
    inherit(new, old)
    resource.strategy.inherit(new, old)
    resource.strategy.set_defaults(new)


def with_status(sent: Any, old: Message, resource: Resource) -> Message:
    """The object after a status update: `old` with the status that was sent."""
    new = copied(old)
    resource.strategy.parts.copy_status(new, sent)
    defaults.settle(new, old)
    return new


def with_marked_status(sent: Any, old: Message, resource: Resource) -> Message:
    """The object after a write of its status subresource: `old` with the status and the marks that were sent."""
    new = with_status(sent, old, resource)
    _mark(new, sent, resource)
    return new


def finalized(sent: Any, old: Message, resource: Resource) -> Message:
    """The namespace after a write of what it waits for."""
    new = copied(typed(old, Namespace))
    _mark(new, sent, resource)
    new.spec.finalizers[:] = sent.spec.finalizers
    return new


def joined(sent: Any, old: Message, resource: Resource) -> Message:
    """The pod after an update of its ephemeral containers: `old` with those that were sent."""
    new = copied(typed(old, Pod))
    del new.spec.ephemeralContainers[:]
    new.spec.ephemeralContainers.extend(sent.spec.ephemeralContainers)
    defaults.settle(new, old)
    resource.strategy.set_defaults(new)
    return new


def resized(sent: Message, old: Message, resource: Resource) -> Message:
    """The pod after a change of what it and its containers may use: `old` with the resources that were sent.
    Containers stand as they were sent, for their rules to judge."""
    new, wanted = copied(typed(old, Pod)), typed(sent, Pod)
    for name in ("containers", "initContainers"):
        before = {each.name: each for each in getattr(new.spec, name)}
        containers = [_resized_container(each, before.get(each.name)) for each in getattr(wanted.spec, name)]
        new.spec.ClearField(name)
        getattr(new.spec, name).extend(containers)
    new.spec.ClearField("resources")
    if wanted.spec.HasField("resources"):
        new.spec.resources.CopyFrom(wanted.spec.resources)
    defaults.settle(new, old)
    resource.strategy.set_defaults(new)
    return new


def _resized_container(sent: Container, before: Container | None) -> Container:
    made = copied(before if before is not None else sent)
    made.resources.CopyFrom(sent.resources)
    del made.resizePolicy[:]
    made.resizePolicy.extend(sent.resizePolicy)
    return made


def count_generation(new: Any, old: Any, strategy: Strategy) -> None:
    """The generation counts changes of what the object's user asks for."""
    if strategy.counts_generations and not strategy.parts.ask_the_same(new, old):
        new.metadata.generation = old.metadata.generation + 1


def encoded(message: Message) -> bytes:
    """As it is stored: its revision is not part of it."""
    objects.metadata(message).resourceVersion = ""
    return message.SerializeToString()


def copied(message: M) -> M:
    """One of its own."""
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _mark(new: Any, sent: Any, resource: Resource) -> None:
    for name in _MARKS - resource.strategy.fixed_marks:
        new.metadata.ClearField(name)
        getattr(new.metadata, name).MergeFrom(getattr(sent.metadata, name))
