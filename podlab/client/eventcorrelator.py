"""Which Event an occurrence belongs to: repeats are counted, similar ones combined, floods cut off. In memory only.

Follows client-go's event correlator, with its figures (https://pkg.go.dev/k8s.io/client-go/tools/record).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from podlab.api.values import names
from podlab.core.v1 import event_pb2

# Of each object, so many occurrences at once, and then one in each REFILL_S.
BURST = 25
REFILL_S = 300.0
# So many messages of one reason within SIMILAR_WITHIN_S have Events of their own; those that follow are combined.
SIMILAR = 10
SIMILAR_WITHIN_S = 600.0
COMBINED = "(combined from similar events): "
REMEMBERED = 4096

V = TypeVar("V")


@dataclass
class _Bucket:
    """How many occurrences an object may still record."""

    tokens: float
    filled_s: float


@dataclass
class _Messages:
    """Messages of one object and reason that have Events of their own."""

    last_s: float
    separate: set[str] = field(default_factory=set)


class _RecentlyUsed(OrderedDict[Hashable, V], Generic[V]):
    """Keeps those used last."""

    def get_or_add(self, key: Hashable, new: V) -> V:
        found = self.setdefault(key, new)
        self.move_to_end(key)
        if len(self) > REMEMBERED:
            self.popitem(last=False)
        return found


class EventCorrelator:
    """One for each source of events."""

    def __init__(self) -> None:
        self._buckets: _RecentlyUsed[_Bucket] = _RecentlyUsed()
        self._messages: _RecentlyUsed[_Messages] = _RecentlyUsed()
        self._events: _RecentlyUsed[event_pb2.Event] = _RecentlyUsed()
        self._named_ns = 0

    def count(self, occurrence: event_pb2.Event, now_s: float) -> event_pb2.Event | None:
        """The Event of the occurrence, counted up; None when its object has recorded too many.

        `occurrence` has no name and a count of 1, and becomes the correlator's own. `now_s` only ever grows.
        """
        about = occurrence.involvedObject
        of = (about.apiVersion, about.kind, about.namespace, about.name, about.uid)
        kind = (*of, occurrence.type, occurrence.reason)
        if self._is_separate(kind, occurrence.message, now_s):
            identity: Hashable = (*kind, about.fieldPath, occurrence.message)
        else:
            identity = kind
            occurrence.message = COMBINED + occurrence.message
        # As in Kubernetes, what is cut off is counted all the same, and is in the next Event that is written.
        tally = self._counted(identity, occurrence)
        return tally if self._is_allowed(of, now_s) else None

    def _counted(self, identity: Hashable, occurrence: event_pb2.Event) -> event_pb2.Event:
        tally = self._events.get_or_add(identity, occurrence)
        if tally is occurrence:
            # Kubernetes' way: the object's name and the time, which does not repeat. kubectl sorts by whole seconds,
            # and leaves Events of one second in the order of their names.
            self._named_ns = max(self._named_ns + 1, time.time_ns())
            occurrence.metadata.name = names.of_event(occurrence.involvedObject.name, self._named_ns)
            return tally
        tally.count += 1
        tally.message = occurrence.message
        tally.lastTimestamp.CopyFrom(occurrence.lastTimestamp)
        return tally

    def _is_separate(self, kind: Hashable, message: str, now_s: float) -> bool:
        messages = self._messages.get_or_add(kind, _Messages(now_s))
        if now_s - messages.last_s > SIMILAR_WITHIN_S:
            messages.separate.clear()
        messages.last_s = now_s
        if len(messages.separate) < SIMILAR:
            messages.separate.add(message)
        return message in messages.separate

    def _is_allowed(self, of: Hashable, now_s: float) -> bool:
        bucket = self._buckets.get_or_add(of, _Bucket(BURST, now_s))
        bucket.tokens = min(BURST, bucket.tokens + (now_s - bucket.filled_s) / REFILL_S)
        bucket.filled_s = now_s
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True
