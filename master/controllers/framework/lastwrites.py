"""What a loop wrote last of each object, so that it does not decide again from what the informer showed before that."""

from __future__ import annotations

from typing import Generic, TypeVar

from google.protobuf.message import Message

from podlab.client.informer import Change, Informer
from podlab.meta.v1 import meta_pb2

M = TypeVar("M", bound=Message)


class LastWrites(Generic[M]):
    """Revisions by uid. `resourceVersion` is the store's one revision: of two, the greater is the newer.

    Make it before the informer runs: it subscribes, to drop what is known of objects that are gone.
    """

    def __init__(self, informer: Informer[M]) -> None:
        self._revisions: dict[str, int] = {}
        informer.on_change(self._changed)

    def note(self, answer: M) -> None:
        """`answer` is what the API server answered to a write."""
        self._revisions[_metadata(answer).uid] = int(_metadata(answer).resourceVersion)

    def is_current(self, obj: M) -> bool:
        """False while the informer's `obj` is older than what was written; its next change brings it back."""
        return int(_metadata(obj).resourceVersion) >= self._revisions.get(_metadata(obj).uid, 0)

    def _changed(self, change: Change[M]) -> None:
        if change.old is not None and (change.new is None or _metadata(change.new).uid != _metadata(change.old).uid):
            self._revisions.pop(_metadata(change.old).uid, None)


def _metadata(obj: Message) -> meta_pb2.ObjectMeta:
    return obj.metadata  # type: ignore[attr-defined, no-any-return]
