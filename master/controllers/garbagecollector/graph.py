"""Who owns what, by uid, across all kinds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from podlab.api.objects import ApiObject, Key
from podlab.client.informer import Change, Informer
from podlab.meta.v1 import meta_pb2


class Graph:
    """Follows the informers; its answers are as fresh as they are."""

    def __init__(self, informers: Mapping[str, Informer[Any]]) -> None:
        self._informers = informers
        self._dependents: dict[str, dict[Key, None]] = {}
        for informer in informers.values():
            informer.on_change(self._take)

    @property
    def kinds(self) -> Collection[str]:
        """Those that are followed."""
        return self._informers.keys()

    def find(self, at: Key) -> ApiObject | None:
        found: ApiObject | None = self._informers[at.kind].store.get(at)
        return found

    def dependents(self, owner_uid: str) -> list[tuple[Key, ApiObject]]:
        """Objects that name that owner."""
        found = ((at, self.find(at)) for at in self._dependents.get(owner_uid, ()))
        return [(at, obj) for at, obj in found if obj is not None]

    def _take(self, change: Change[Any]) -> None:
        old = _owners(change.old.metadata.ownerReferences) if change.old is not None else set()
        new = _owners(change.new.metadata.ownerReferences) if change.new is not None else set()
        for lost in old - new:
            keys = self._dependents[lost]
            keys.pop(change.key, None)
            if not keys:
                del self._dependents[lost]
        for gained in new - old:
            self._dependents.setdefault(gained, {})[change.key] = None


def _owners(references: Iterable[meta_pb2.OwnerReference]) -> set[str]:
    return {reference.uid for reference in references}
