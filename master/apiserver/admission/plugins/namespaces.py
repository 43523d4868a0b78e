"""NamespaceLifecycle: nothing is made where there is no namespace, or in one that goes."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.lister import Lister, listed
from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin
from master.apiserver.admission.rules import namespaces
from master.apiserver.admission.write import Operation, Write
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.errors import Conflict

_NAMESPACES = kinds.of(Namespace).group_resource


class NamespaceLifecycle(Plugin):
    """A mark in the store says that a namespace is closed: each new object asserts, in its own commit, that there is
    none. The cache may not know yet that the namespace goes; an object that slipped in could outlive it.
    """

    name: ClassVar[str] = "NamespaceLifecycle"
    completes_alike: ClassVar[bool] = False

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._namespaces: Lister[Namespace] = listed(cache, Namespace)
        self._open: set[str] = set()
        """Namespaces that have been found open, until one of all changes: each new object asks twice."""
        self._namespaces.follow(self._open.clear)

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        is_new = kind.namespaced and operation is Operation.CREATE and not subresource
        return is_new or kind.group_resource == _NAMESPACES

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin: it comes first, so that nobody completes what cannot be."""
        write = request.write
        if write.kind.namespaced:
            self._check_home(write)
        elif write.operation is Operation.DELETE:
            namespaces.check_deletable(write.name)

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        write = request.write
        if write.kind.namespaced:
            self._check_home(write)  # it may go since the last attempt
            return (namespaces.still_open(write.namespace),)
        if request.old is None:
            return NOTHING
        new, old = request.new_as(Namespace), request.old_as(Namespace)
        if not request.removed:
            return namespaces.closing(new, old)
        self._check_empty(new.metadata.name)
        return namespaces.closed(new.metadata.name)

    def _check_home(self, write: Write) -> None:
        if write.namespace in self._open:
            return
        home = self._namespaces.get("", write.namespace)
        namespaces.check_home(write.kind, write.name, write.namespace, home)
        self._open.add(write.namespace)

    def _check_empty(self, namespace: str) -> None:
        """A namespace goes last, or what is in it could never be reached again."""
        left = {
            kind.plural: len(self._cache.window(kind).ordered(keys.scope_prefix(kind, namespace)))
            for kind in self._cache.catalog.stored
            if kind.namespaced
        }
        if any(left.values()):
            told = ", ".join(f"{count} {plural}" for plural, count in left.items() if count)
            raise Conflict.of("namespaces", namespace, f"it still holds {told}; they go first")
