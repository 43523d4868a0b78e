"""How admission says no."""

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.objects import metadata
from podlab.errors import Cause, Forbidden


def refused(kind: Kind, name: str, why: str, *causes: Cause) -> Forbidden:
    """To be raised: an object of the kind may not be written, whatever is sent for it, for this reason."""
    resource = kind.resource
    return Forbidden(f'{resource} "{name}" is forbidden: {why}', kind=resource, name=name, causes=causes)


def forbidden(message: Message, why: str, *causes: Cause) -> Forbidden:
    """To be raised: the object may not be written, for this reason."""
    return refused(kinds.of(message), metadata(message).name, why, *causes)
