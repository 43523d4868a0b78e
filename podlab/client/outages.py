"""What cannot be done at the API server now, told once when it begins and once when it ends, however many meet it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from podlab.errors import ApiError, ServiceUnavailable, Timeout

log = logging.getLogger(__name__)


@dataclass
class _Outage:
    since_s: float
    meet_it: set[str] = field(default_factory=set)


class Outages:
    """Shared by all loops on one connection: the server that is away is one outage, not one of each loop."""

    def __init__(self, server: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._clock = clock
        self._outages: dict[str, _Outage] = {}

    def failed(self, doing: str, error: ApiError) -> None:
        """`doing` ("follow pods") did not work; the caller will try it again and again."""
        topic = self._topic(doing, error)
        if topic not in self._outages:
            self._outages[topic] = _Outage(self._clock())
            log.warning("%s: %s: %s; trying again until it can", topic, error.reason, error)
        self._outages[topic].meet_it.add(doing)

    def ended(self, doing: str) -> None:
        """It worked."""
        for topic, outage in list(self._outages.items()):
            outage.meet_it.discard(doing)
            if not outage.meet_it:
                del self._outages[topic]
                log.info("%s: over after %.1f s", topic, self._clock() - outage.since_s)

    def _topic(self, doing: str, error: ApiError) -> str:
        if isinstance(error, ServiceUnavailable | Timeout):
            return f"cannot reach the API server at {self._server}"
        return f"cannot {doing} at {self._server}"
