"""What is done with objects of the built-in kinds when they are written, whichever they are."""

from __future__ import annotations

from google.protobuf.message import Message

from podlab.errors import Cause
from podlab.kinds import known
from podlab.kinds.validation import rules


def validate_create(message: Message) -> tuple[Cause, ...]:
    """What is wrong with a new object."""
    return rules.validate_create(known.resource(message).strategy.rules, message)


def validate_create_alike(message: Message) -> tuple[Cause, ...]:
    """What is wrong with a new object whose spec and status are those of one that has been found valid."""
    return rules.validate_create_alike(known.resource(message).strategy.rules, message)


def validate_update(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with an object that replaces `old`."""
    return rules.validate_update(known.resource(new).strategy.rules, new, old)


def validate_status_update(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with a new status, and what marks the object."""
    return rules.validate_status_update(known.resource(new).strategy.rules, new, old)


def validate_joining(new: Message, old: Message) -> tuple[Cause, ...]:
    """What is wrong with the ephemeral containers of a pod that replaces `old`."""
    return rules.validate_joining(known.resource(new).strategy.rules, new, old)
