"""What an object is made of besides its metadata, for those who write objects of every kind."""

from __future__ import annotations

from typing import Any, Protocol

from google.protobuf.message import Message

_NOT_ASKED_FOR = frozenset({"metadata", "status"})


class Parts(Protocol):
    """Takes an object apart. Asked for a status only where the kind has one."""

    def clear_status(self, message: Any) -> None:
        """It has none from now on."""
        ...

    def copy_status(self, message: Any, source: Any) -> None:
        """It has that of `source` from now on, or none."""
        ...

    def ask_the_same(self, new: Any, old: Any) -> bool:
        """Whether both want the same: all but metadata, and a status that is written apart, is equal."""
        ...


class TypedParts:
    """Of a message that has a field for each."""

    def clear_status(self, message: Any) -> None:
        """See Parts."""
        message.ClearField("status")

    def copy_status(self, message: Any, source: Any) -> None:
        """See Parts."""
        message.status.CopyFrom(source.status) if source.HasField("status") else message.ClearField("status")

    def ask_the_same(self, new: Message, old: Message) -> bool:
        """See Parts."""
        names = [field.name for field in new.DESCRIPTOR.fields if field.name not in _NOT_ASKED_FOR]
        return all(getattr(new, name) == getattr(old, name) for name in names)


TYPED = TypedParts()
