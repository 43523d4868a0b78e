"""Whom to ask once more about an object, of those who have been asked to change it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from google.protobuf.message import Message

from master.apiserver.admission.plugin import AdmissionRequest


@dataclass(slots=True)
class MutationProgress:
    """Of one request and one plugin."""

    asked: set[Hashable] = field(default_factory=set)
    """Those that want to be asked again when others have changed the object since."""
    due: set[Hashable] = field(default_factory=set)
    left: Message | None = None
    """The object as the last of them left it."""
    done: set[Hashable] = field(default_factory=set)
    """Those that have been asked this time: when it is broken off to convert the object, they are not asked again."""
    answers: dict[Hashable, object] = field(default_factory=dict)
    """What was said, and has changed nothing yet."""
    is_second: bool = False

    @classmethod
    def of(cls, request: AdmissionRequest, plugin: str) -> MutationProgress:
        """The plugin's, which begins to ask: others may have changed the object since it was left."""
        again = request.reinvocation
        progress = again.held.setdefault(plugin, cls())
        assert isinstance(progress, cls)
        if again.is_second and not progress.is_second:
            progress.is_second = True
            progress.done.clear()
            if progress.left != request.new:
                progress.changed()
        return progress

    def changed(self) -> None:
        """The object has changed."""
        self.due |= self.asked
        self.asked.clear()

    def leave(self, new: Message) -> None:
        """The last has been asked."""
        self.left = type(new)()
        self.left.CopyFrom(new)
