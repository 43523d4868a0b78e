"""Which Event a sighting belongs to: repeats are counted, similar ones put together, floods cut off. In memory only.

Follows client-go's event correlator, with its figures (https://pkg.go.dev/k8s.io/client-go/tools/record).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from podlab.api import names
from podlab.core.v1 import event_pb2

# Of each object, so many sightings at once, and then one every so often.
BURST = 25
REFILL_S = 300.0
# So many different messages of one reason within so long stand alone; those that follow are put together.
SIMILAR = 10
SIMILAR_WITHIN_S = 600.0
COMBINED = "(combined from similar events): "
REMEMBERED = 4096

V = TypeVar("V")


@dataclass
class _Bucket:
    """What an object may still tell."""

    tokens: float
    filled_s: float


@dataclass
class _Messages:
    """Those that stand alone, of one object and reason."""

    last_s: float
    alone: set[str] = field(default_factory=set)


class _Remembered(OrderedDict[Hashable, V], Generic[V]):
    """Keeps those used last."""

    def recall(self, key: Hashable, new: V) -> V:
        found = self.setdefault(key, new)
        self.move_to_end(key)
        if len(self) > REMEMBERED:
            self.popitem(last=False)
        return found


class EventCorrelator:
    """One for each source of events."""

    def __init__(self) -> None:
        self._buckets: _Remembered[_Bucket] = _Remembered()
        self._messages: _Remembered[_Messages] = _Remembered()
        self._tallies: _Remembered[event_pb2.Event] = _Remembered()
        self._named_ns = 0

    def count(self, sighting: event_pb2.Event, now_s: float) -> event_pb2.Event | None:
        """The Event that tells of the sighting, counted up; None when its object has told too much.

        `sighting` has no name and a count of 1, and becomes the correlator's own. `now_s` only ever grows.
        """
        about = sighting.involvedObject
        of = (about.apiVersion, about.kind, about.namespace, about.name, about.uid)
        kind = (*of, sighting.type, sighting.reason)
        if self._stands_alone(kind, sighting.message, now_s):
            identity: Hashable = (*kind, about.fieldPath, sighting.message)
        else:
            identity = kind
            sighting.message = COMBINED + sighting.message
        # As in Kubernetes, what is cut off is counted all the same, and told with the next that is not.
        tally = self._tallied(identity, sighting)
        return tally if self._may_tell(of, now_s) else None

    def _tallied(self, identity: Hashable, sighting: event_pb2.Event) -> event_pb2.Event:
        tally = self._tallies.recall(identity, sighting)
        if tally is sighting:
            # Kubernetes' way: the object's name and the time, which does not repeat. kubectl sorts by whole seconds,
            # and leaves Events of one second in the order of their names.
            self._named_ns = max(self._named_ns + 1, time.time_ns())
            sighting.metadata.name = names.of_event(sighting.involvedObject.name, self._named_ns)
            return tally
        tally.count += 1
        tally.message = sighting.message
        tally.lastTimestamp.CopyFrom(sighting.lastTimestamp)
        return tally

    def _stands_alone(self, kind: Hashable, message: str, now_s: float) -> bool:
        messages = self._messages.recall(kind, _Messages(now_s))
        if now_s - messages.last_s > SIMILAR_WITHIN_S:
            messages.alone.clear()
        messages.last_s = now_s
        if len(messages.alone) < SIMILAR:
            messages.alone.add(message)
        return message in messages.alone

    def _may_tell(self, of: Hashable, now_s: float) -> bool:
        bucket = self._buckets.recall(of, _Bucket(BURST, now_s))
        bucket.tokens = min(BURST, bucket.tokens + (now_s - bucket.filled_s) / REFILL_S)
        bucket.filled_s = now_s
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True
