"""What may refuse a write by its contents, beyond validation: who writes matters here."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import Message

Admit = Callable[[Message | None, Message | None], None]
"""Takes the object as it would be stored and as it is: None is no object. Raises Forbidden."""


def admit_all(new: Message | None, old: Message | None) -> None:
    """Everybody may write what is valid."""
