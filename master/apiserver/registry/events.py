"""Stores Events, many in one commit: new ones, and those that are counted up."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from master.apiserver.admission.admit import Admit
from master.apiserver.admission.chain import Admission
from master.apiserver.registry import changes, subresources
from master.apiserver.registry.batch_commit import Plan, Result, Together
from master.apiserver.registry.registry import Registry
from master.apiserver.registry.strategies import namespaces
from master.apiserver.registry.strategies.table import Strategy
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import Entry
from master.store.contract import Put
from podlab.api import kinds, times
from podlab.core.v1 import event_pb2
from podlab.errors import AlreadyExists, Invalid
from podlab.kinds.validation import validate_create
from podlab.meta.v1 import meta_pb2

_KIND = kinds.of(event_pb2.Event)


@dataclass(frozen=True, slots=True)
class Recording:
    """Answers RecordEvents. No quota counts Events, and none of their fields depends on other objects."""

    cache: Cache
    registry: Registry
    strategy: Strategy
    """That of Events."""
    admission: Admission
    clock: Callable[[], meta_pb2.Time] = times.now

    async def record(self, events: Sequence[event_pb2.Event], admit: Admit) -> list[Result]:
        """A result for each, in order. Each stands alone, and is created or replaces the one of its name."""

        def plan(event: event_pb2.Event) -> Plan:
            return self._plan(event, admit)

        async def alone(event: event_pb2.Event) -> int:
            return await self._record_alone(event, admit)

        for event in events:
            event.metadata.resourceVersion = ""
        return await Together(self.cache, plan, alone).write(events)

    def _plan(self, sent: event_pb2.Event, admit: Admit) -> Plan:
        at = sent.metadata
        key = keys.object_key(_KIND, at.namespace, at.name)
        entry = self.cache.get(_KIND, key)
        if entry is None:
            event = _copied(sent)
            self._begin(event, admit)
            return Put(key, event.SerializeToString(), 0), namespaces.still_open(at.namespace)
        return (Put(key, self._counted(sent, entry, admit), entry.revision),)

    def _begin(self, event: event_pb2.Event, admit: Admit) -> None:
        self.admission.check_home(event)
        finish = changes.finishing(self.admission.complete)
        changes.begin(event, self.strategy, str(uuid.uuid4()), self.clock(), finish)
        if causes := validate_create(event):
            raise Invalid.of(_KIND.qualified_name, event.metadata.name, causes)
        admit(event, None)

    def _counted(self, event: event_pb2.Event, entry: Entry, admit: Admit) -> bytes:
        old = entry.message()
        changes.check_preconditions(old, event.metadata.uid, "")
        new: Any = subresources.WHOLE.changed(event, old, self.strategy)
        if causes := subresources.WHOLE.validate(new, old):
            raise Invalid.of(_KIND.qualified_name, event.metadata.name, causes)
        admit(new, old)
        new.metadata.resourceVersion = ""
        return cast(bytes, new.SerializeToString())

    async def _record_alone(self, event: event_pb2.Event, admit: Admit) -> int:
        try:
            return (await self.registry.create(_copied(event), admit=admit)).revision
        except AlreadyExists:
            return (await self.registry.update(event, admit=admit)).revision


def _copied(sent: event_pb2.Event) -> event_pb2.Event:
    """What is sent stays as it is: it is looked at again when others were faster."""
    event = event_pb2.Event()
    event.CopyFrom(sent)
    return event
