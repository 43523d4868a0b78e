"""What is known of the built-in kinds, and what is done with their objects when they are written."""

from __future__ import annotations

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.errors import Cause
from podlab.kinds import builtin
from podlab.kinds.defaults.inherit import inherit
from podlab.kinds.resource import Resource
from podlab.kinds.validation import rules

CATALOG = builtin.catalog()
STORED = CATALOG.stored
STORED_VERSIONS = tuple(kind for kind in CATALOG.kinds if CATALOG.resource(kind).stored)


def named(name: str) -> Kind:
    """The stored kind of that name."""
    return next(kind for kind in STORED if kind.name == name)


def read(data: object) -> Message:
    """The object that a manifest describes. Raises BadRequest."""
    return codec.from_dict(data, codec.kind_of(data, CATALOG))


def of(kind: Kind) -> Resource:
    """What is known of the kind."""
    return CATALOG.resource(kind)


def resource(message: Message) -> Resource:
    """What is known of the object's kind."""
    return of(kinds.of(message))


def apply_defaults(message: Message) -> None:
    """What a new object gets."""
    resource(message).strategy.set_defaults(message)


def inherit_from(new: Message, old: Message) -> None:
    """What an object takes over from the one that it replaces."""
    inherit(new, old)
    resource(new).strategy.inherit(new, old)


def warnings_of(new: Message, old: Message | None) -> list[str]:
    """What the author of an object is warned of."""
    return resource(new).strategy.warn(new, old)


def validate_create(message: Message) -> tuple[Cause, ...]:
    """What is wrong with a new object."""
    return rules.validate_create(resource(message).strategy.rules, message, namespaced=kinds.of(message).namespaced)


def validate_create_alike(message: Message) -> tuple[Cause, ...]:
    """What is wrong with a new object whose spec and status are those of one that has been found valid."""
    namespaced = kinds.of(message).namespaced
    return rules.validate_create_alike(resource(message).strategy.rules, message, namespaced=namespaced)


def validate_update(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with an object that replaces `old`."""
    return rules.validate_update(resource(new).strategy.rules, new, old, namespaced=kinds.of(new).namespaced)


def validate_status_update(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with a new status, and what marks the object."""
    return rules.validate_status_update(resource(new).strategy.rules, new, old, namespaced=kinds.of(new).namespaced)


def validate_joining(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with the ephemeral containers of a pod that replaces `old`."""
    return rules.validate_joining(resource(new).strategy.rules, new, old, namespaced=kinds.of(new).namespaced)


def validate_resizing(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with the resources of a pod that replaces `old`."""
    return rules.validate_resizing(resource(new).strategy.rules, new, old, namespaced=kinds.of(new).namespaced)
