"""How many requests and bytes one user may have in flight, so that nobody can block the server for all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from master.apiserver.request.info import RequestInfo
from podlab.errors import TooManyRequests

# One object is at most 1.5 MiB; gRPC refuses a larger message before it is read.
REQUEST_BYTES = 3 << 20
# As many as kube-apiserver has for all users together: --max-requests-inflight.
CALLS = 400
# Watches and relayed calls, which last for long.
STREAMS = 1000
# Of bodies that have come in, and of answers that clients have not read yet. A single body may be larger.
BODY_BYTES = 128 << 20
RETRY_AFTER_S = 1

Reserve = Callable[[str, int], None]
"""Counts the bytes for the user. Raises TooManyRequests."""


class InflightLimit:
    """How many requests each user may have at once. Lives in the event loop."""

    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._most = most
        self._in_flight: Counter[str] = Counter()

    def take(self, user: str) -> None:
        """Count one more, until it is given back. Raises TooManyRequests."""
        if self._in_flight[user] >= self._most:
            raise TooManyRequests(
                f'User "{user}" has {self._most} {self._what}, as many as one may have: try again in {RETRY_AFTER_S} s',
                retry_after_s=RETRY_AFTER_S,
            )
        self._in_flight[user] += 1

    def give_back(self, user: str) -> None:
        """Count one less."""
        self._in_flight[user] -= 1
        if not self._in_flight[user]:
            del self._in_flight[user]


class BodyBytes:
    """How many bytes of bodies each user may have at once. Lives in the event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_flight: Counter[str] = Counter()

    @contextmanager
    def reserved(self) -> Iterator[Reserve]:
        """Yields what reserves bytes; they are given back when the block ends."""
        mine: Counter[str] = Counter()

        def reserve(user: str, count: int) -> None:
            others = self._in_flight[user] - mine[user]
            if others and self._in_flight[user] + count > self._most:
                raise TooManyRequests(
                    f'User "{user}" has {others >> 20} MiB of requests and answers on their way: '
                    f"try again in {RETRY_AFTER_S} s",
                    retry_after_s=RETRY_AFTER_S,
                )
            mine[user] += count
            self._in_flight[user] += count

        try:
            yield reserve
        finally:
            for user, count in mine.items():
                self._in_flight[user] -= count
                if not self._in_flight[user]:
                    del self._in_flight[user]


class InflightLimits:
    """The limits of one server."""

    def __init__(self, calls: int = CALLS, streams: int = STREAMS, body_bytes: int = BODY_BYTES) -> None:
        self.bodies = BodyBytes(body_bytes)
        self.calls = InflightLimit("requests in flight", calls)
        self.streams = InflightLimit("watches and other streams open", streams)

    def of(self, asked: RequestInfo) -> InflightLimit:
        """The limit that the request counts against."""
        return self.streams if asked.long_running else self.calls
