"""What is known of the built-in kinds, for those who serve no others."""

from __future__ import annotations

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.kinds import builtin
from podlab.kinds.resource import Resource


def resource(message: Message) -> Resource:
    """That of the object's kind; one that asks for nothing where it is none of the built-in kinds."""
    return of(kinds.of(message))


def of(kind: Kind) -> Resource:
    """As `resource`, of the kind."""
    return builtin.catalog().resource(kind) if kind in builtin.catalog() else Resource(kind)
