"""All objects of one kind, parsed once a version, by namespace and name: what plugins look things up in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CacheEvent
from master.apiserver.watchcache.kind_window import KindWindow
from podlab.api import kinds
from podlab.api.objects import typed

M = TypeVar("M", bound=Message)
_NONE: Mapping[str, Any] = {}


class Lister(Generic[M]):
    """Follows its window for ever. What it hands out is shared: not to be changed."""

    def __init__(self, window: KindWindow, message: type[M]) -> None:
        self._message = message
        self._by_namespace: dict[str, dict[str, M]] = {}
        self._followers: list[Callable[[], None]] = []
        window.follow(self._take)

    def within(self, namespace: str) -> Mapping[str, M]:
        """The namespace's objects by name; of kinds without namespaces, those of the namespace ""."""
        return self._by_namespace.get(namespace, _NONE)

    def get(self, namespace: str, name: str) -> M | None:
        """None when it is not there."""
        return self.within(namespace).get(name)

    def follow(self, changed: Callable[[], None]) -> None:
        """Call `changed` after each change."""
        self._followers.append(changed)

    def _take(self, event: CacheEvent) -> None:
        old, new = event.old_message(), event.new_message()
        at: Any = (new if new is not None else old).metadata  # type: ignore[union-attr]
        if new is not None:
            self._by_namespace.setdefault(at.namespace, {})[at.name] = typed(new, self._message)
        else:
            self._drop(at.namespace, at.name)
        for changed in self._followers:
            changed()

    def _drop(self, namespace: str, name: str) -> None:
        held = self._by_namespace[namespace]
        del held[name]
        if not held:
            del self._by_namespace[namespace]


def listed(cache: Cache, message: type[M]) -> Lister[M]:
    """Those of the message's kind."""
    return Lister(cache.window(kinds.of(message)), message)
