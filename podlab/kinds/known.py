"""What is done with objects of the built-in kinds, whichever they are: each as the file of its kind says."""

from __future__ import annotations

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.errors import Cause
from podlab.kinds import builtin
from podlab.kinds.resource import Resource
from podlab.kinds.validation import rules


def resource(message: Message) -> Resource:
    """That of the object's kind; one that asks for nothing where it is none of the built-in kinds."""
    return of(kinds.of(message))


def of(kind: Kind) -> Resource:
    """As `resource`, of the kind."""
    return builtin.catalog().resource(kind) if kind in builtin.catalog() else Resource(kind)


def validate_create(message: Message) -> tuple[Cause, ...]:
    """What is wrong with a new object."""
    return rules.validate_create(resource(message).rules, message)


def validate_create_alike(message: Message) -> tuple[Cause, ...]:
    """What is wrong with a new object whose spec and status are those of one that has been found valid."""
    return rules.validate_create_alike(resource(message).rules, message)


def validate_update(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with an object that replaces `old`."""
    return rules.validate_update(resource(new).rules, new, old)


def validate_status_update(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with a new status, and what marks the object."""
    return rules.validate_status_update(resource(new).rules, new, old)


def validate_joining(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with the ephemeral containers of a pod that replaces `old`."""
    return rules.validate_joining(resource(new).rules, new, old)
