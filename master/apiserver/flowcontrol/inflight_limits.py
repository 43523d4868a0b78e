"""How much one user may have going on at once, so that nobody can hold the server for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from master.apiserver.request.info import Asked
from podlab.errors import TooManyRequests

# One object is at most 1.5 MiB; what is larger is refused by gRPC before it is read.
REQUEST_BYTES = 3 << 20
# As much as kube-apiserver lets all of its users have: --max-requests-inflight.
CALLS = 400
# Watches, and the calls that are relayed: these stay for long.
STREAMS = 1000
# Of bodies that have come in, or that clients have not taken yet. One body may be larger than that on its own.
BODY_BYTES = 128 << 20
RETRY_AFTER_S = 1

Reserve = Callable[[str, int], None]
"""Counts so many bytes more for the user. Raises TooManyRequests."""


class InflightLimit:
    """So many at once for each user. Lives in the event loop."""

    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._most = most
        self._held: Counter[str] = Counter()

    def take(self, user: str) -> None:
        """One more, until it is given back. Raises TooManyRequests."""
        if self._held[user] >= self._most:
            raise TooManyRequests(
                f'User "{user}" has {self._most} {self._what}, as many as one may have: try again in {RETRY_AFTER_S} s',
                retry_after_s=RETRY_AFTER_S,
            )
        self._held[user] += 1

    def give_back(self, user: str) -> None:
        """One less."""
        self._held[user] -= 1
        if not self._held[user]:
            del self._held[user]


class BodyBytes:
    """So many bytes of bodies for each user. Lives in the event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    @contextmanager
    def held(self) -> Iterator[Reserve]:
        """What is yielded counts more bytes, for as long as the block runs."""
        mine: Counter[str] = Counter()

        def hold(user: str, count: int) -> None:
            others = self._held[user] - mine[user]
            if others and self._held[user] + count > self._most:
                raise TooManyRequests(
                    f'User "{user}" has {others >> 20} MiB of requests and answers on their way: '
                    f"try again in {RETRY_AFTER_S} s",
                    retry_after_s=RETRY_AFTER_S,
                )
            mine[user] += count
            self._held[user] += count

        try:
            yield hold
        finally:
            for user, count in mine.items():
                self._held[user] -= count
                if not self._held[user]:
                    del self._held[user]


class InflightLimits:
    """Those of one server."""

    def __init__(self, calls: int = CALLS, streams: int = STREAMS, body_bytes: int = BODY_BYTES) -> None:
        self.bodies = BodyBytes(body_bytes)
        self.calls = InflightLimit("requests in flight", calls)
        self.streams = InflightLimit("watches and other streams open", streams)

    def of(self, asked: Asked) -> InflightLimit:
        """The one that the request counts for."""
        return self.streams if asked.long_running else self.calls
