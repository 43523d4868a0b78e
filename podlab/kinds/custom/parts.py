"""What custom objects are made of: members of their content."""

from __future__ import annotations

from dataclasses import dataclass

from podlab.api.serializer import custom
from podlab.apiextensions.v1.custom_pb2 import Custom

_STATUS = "status"


@dataclass(frozen=True, slots=True)
class CustomParts:
    """See `podlab.kinds.parts.Parts`. Without a subresource, a status is a member as all others are."""

    has_status: bool

    def clear_status(self, message: Custom) -> None:
        """See Parts."""
        content = custom.content(message)
        if content.pop(_STATUS, None) is not None:
            custom.set_content(message, content)

    def copy_status(self, message: Custom, source: Custom) -> None:
        """See Parts."""
        content, other = custom.content(message), custom.content(source)
        content.pop(_STATUS, None)
        if _STATUS in other:
            content[_STATUS] = other[_STATUS]
        custom.set_content(message, content)

    def ask_the_same(self, new: Custom, old: Custom) -> bool:
        """See Parts."""
        if new.content == old.content:
            return True
        asked, before = custom.content(new), custom.content(old)
        if self.has_status:
            asked.pop(_STATUS, None)
            before.pop(_STATUS, None)
        return asked == before
