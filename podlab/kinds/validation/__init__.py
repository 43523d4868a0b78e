"""What makes an object acceptable: pure functions over messages that have had their defaults.

`rules` holds what is checked of all, and the kinds' own rules against them; the folders hold what big kinds ask.
"""

from __future__ import annotations

from google.protobuf.message import Message

from podlab.errors import Cause


def validate_create(message: Message) -> tuple[Cause, ...]:
    from podlab.kinds import known

    return known.validate_create(message)


def validate_create_alike(message: Message) -> tuple[Cause, ...]:
    from podlab.kinds import known

    return known.validate_create_alike(message)


def validate_update(new: Message, old: Message) -> tuple[Cause, ...]:
    from podlab.kinds import known

    return known.validate_update(new, old)


def validate_status_update(new: Message, old: Message) -> tuple[Cause, ...]:
    from podlab.kinds import known

    return known.validate_status_update(new, old)


def validate_joining(new: Message, old: Message) -> tuple[Cause, ...]:
    from podlab.kinds import known

    return known.validate_joining(new, old)
