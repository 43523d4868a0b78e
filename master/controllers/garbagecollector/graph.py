"""Who owns what, by uid, across all kinds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from podlab.api import kinds
from podlab.api.objects import ApiObject, Key
from podlab.client.informer import Change, Informer
from podlab.errors import NotFound
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

    def is_elsewhere(self, at: Key, uid: str) -> bool:
        """Whether what should stand there stands in another namespace."""
        informer = self._informers.get(at.kind)
        if informer is None or not at.namespace:
            return False
        found = (informer.store.get(replace(at, namespace=one)) for one in self._namespaces())
        return any(one is not None and one.metadata.uid == uid for one in found)

    def _namespaces(self) -> list[str]:
        return [at.name for at in self._informers["Namespace"].store]

    def dependents(self, at: Key, uid: str) -> list[tuple[Key, ApiObject]]:
        """Objects that the one with that uid owns; not those that look for it where it is not."""
        found = ((dependent_at, self.find(dependent_at)) for dependent_at in self._dependents.get(uid, ()))
        return [(one_at, obj) for one_at, obj in found if obj is not None and _names(one_at, obj, at, uid)]

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


def owner_key(namespace: str, reference: meta_pb2.OwnerReference) -> Key | None:
    """Where the owner of an object of that namespace must stand.

    None for one of which nothing can be known: of a kind or version that is not served, or out of the object's reach.
    """
    try:
        kind = kinds.of_version(reference.kind, reference.apiVersion)
    except NotFound:
        return None
    if kind.api_version != reference.apiVersion or (kind.namespaced and not namespace):
        return None
    return Key(kind.name, namespace if kind.namespaced else "", reference.name)


def _names(at: Key, obj: ApiObject, owner_at: Key, uid: str) -> bool:
    references = (one for one in obj.metadata.ownerReferences if one.uid == uid)
    return any(owner_key(at.namespace, one) == owner_at for one in references)


def _owners(references: Iterable[meta_pb2.OwnerReference]) -> set[str]:
    return {reference.uid for reference in references}
