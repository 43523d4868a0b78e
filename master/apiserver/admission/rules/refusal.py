"""How admission says no."""

from typing import Any

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.errors import Cause, Forbidden


def forbidden(message: Message, why: str, *causes: Cause) -> Forbidden:
    """To be raised: the object may not be written, for this reason."""
    about: Any = message
    resource, name = kinds.of(message).resource, about.metadata.name
    return Forbidden(f'{resource} "{name}" is forbidden: {why}', kind=resource, name=name, causes=causes)
