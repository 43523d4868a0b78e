"""Who owns what, by uid, across all kinds."""

from __future__ import annotations

from collections.abc import Collection, Set
from typing import Any

from master.controllers.framework.informers import Informers
from master.controllers.garbagecollection.garbagecollector.decide import FOREGROUND, blocks, is_waiting
from podlab.api.kinds import GroupKind, Kind
from podlab.api.objects import ApiObject, Key
from podlab.client.informer import Change
from podlab.meta.v1 import meta_pb2


class Graph:
    """Follows the informers; its answers are as fresh as they are."""

    def __init__(self, informers: Informers) -> None:
        self._informers = informers.by_kind
        self._catalog = informers.catalog
        self._dependents: dict[tuple[Key, str], dict[Key, None]] = {}
        self._owners_of: dict[Key, Set[tuple[Key, str]]] = {}
        """By the object that names them: where each must stand, and its uid."""
        self._unsettled: dict[Key, None] = {}
        """Objects with owners of kinds that are not known; they may be one day."""
        informers.on_any_change(self._take)

    @property
    def kinds(self) -> Collection[GroupKind]:
        """Those that are followed."""
        return self._informers.keys()

    def find(self, at: Key) -> ApiObject | None:
        informer = self._informers.get(at.group_kind)
        return informer.store.get(at) if informer is not None else None

    def kind(self, at: Key) -> Kind:
        """Of what stands there. Raises NotFound when it is served no more."""
        return self._catalog.catalog.resource(at.group_kind).kind

    def is_elsewhere(self, at: Key, uid: str) -> bool:
        """Whether what should stand there stands in another namespace."""
        informer = self._informers.get(at.group_kind)
        if informer is None or not at.namespace:
            return False
        found = (informer.store.get(at._replace(namespace=one)) for one in self._namespaces())
        return any(one is not None and one.metadata.uid == uid for one in found)

    def _namespaces(self) -> list[str]:
        return [at.name for at in self._informers[GroupKind("", "Namespace")].store]

    def dependents(self, at: Key, uid: str) -> list[tuple[Key, ApiObject]]:
        """Objects that the one with that uid owns; not those that look for it where it is not."""
        found = ((dependent_at, self.find(dependent_at)) for dependent_at in self._dependents.get((at, uid), ()))
        return [(dependent_at, obj) for dependent_at, obj in found if obj is not None]

    def waits_for_itself(self, at: Key, obj: ApiObject) -> bool:
        """Whether, of what it waits for in its deletion, one after the other, the last waits for it."""
        seen, left = set[str](), [(at, obj)]
        while left:
            owner_at, owner = left.pop()
            for dependent_at, dependent in self.dependents(owner_at, owner.metadata.uid):
                if not blocks(dependent, owner) or not is_waiting(dependent.metadata, FOREGROUND):
                    continue
                if dependent.metadata.uid == obj.metadata.uid:
                    return True
                if dependent.metadata.uid not in seen:
                    seen.add(dependent.metadata.uid)
                    left.append((dependent_at, dependent))
        return False

    def _take(self, change: Change[Any]) -> None:
        old, new = change.old, change.new
        if old is not None and new is not None and old.metadata.ownerReferences == new.metadata.ownerReferences:
            return
        self._record(change.key, new)

    def look_again(self) -> list[Key]:
        """Once there are other kinds: the objects whose owners may be of them."""
        found = list(self._unsettled)
        for at in found:
            self._record(at, self.find(at))
        return found

    def _record(self, at: Key, obj: ApiObject | None) -> None:
        before, after = self._owners_of.pop(at, frozenset()), self._owners(at, obj)
        for lost in before - after:
            keys = self._dependents[lost]
            keys.pop(at, None)
            if not keys:
                del self._dependents[lost]
        for gained in after - before:
            self._dependents.setdefault(gained, {})[at] = None
        if after:
            self._owners_of[at] = after
        if obj is not None and any(self._owner_kind(one) is None for one in obj.metadata.ownerReferences):
            self._unsettled[at] = None
        else:
            self._unsettled.pop(at, None)

    def owner_key(self, namespace: str, reference: meta_pb2.OwnerReference) -> Key | None:
        """Where the owner of an object of that namespace must stand.

        None for one of which nothing can be known: of a kind or version that is not served, or out of the object's
        reach.
        """
        kind = self._owner_kind(reference)
        if kind is None or (kind.namespaced and not namespace):
            return None
        return Key(kind.group_kind, namespace if kind.namespaced else "", reference.name)

    def _owner_kind(self, reference: meta_pb2.OwnerReference) -> Kind | None:
        return self._catalog.catalog.of_api_version(reference.apiVersion, reference.kind)

    def _owners(self, at: Key, obj: ApiObject | None) -> set[tuple[Key, str]]:
        """Where each must stand, and its uid."""
        references = obj.metadata.ownerReferences if obj is not None else ()
        found = ((self.owner_key(at.namespace, one), one.uid) for one in references)
        return {(owner_at, uid) for owner_at, uid in found if owner_at is not None}
