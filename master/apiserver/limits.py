"""How much one user may have going on at once, so that nobody can hold the server for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from podlab.errors import TooManyRequests

# One object is at most 1.5 MiB; what is larger is refused by gRPC before it is read.
REQUEST_BYTES = 3 << 20
# As much as kube-apiserver lets all of its users have: --max-requests-inflight.
CALLS = 400
# Watches, and the calls that are relayed: these stay for long.
STREAMS = 1000
RETRY_AFTER_S = 1


class Limit:
    """So many at once for each user. Lives in the event loop."""

    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._most = most
        self._held: Counter[str] = Counter()

    @contextmanager
    def held_by(self, user: str) -> Iterator[None]:
        """Counts one more for as long as the block runs. Raises TooManyRequests."""
        if self._held[user] >= self._most:
            raise TooManyRequests(
                f'User "{user}" has {self._most} {self._what}, as many as one may have: try again in {RETRY_AFTER_S} s',
                retry_after_s=RETRY_AFTER_S,
            )
        self._held[user] += 1
        try:
            yield
        finally:
            self._held[user] -= 1
            if not self._held[user]:
                del self._held[user]


class Limits:
    """Those of one server."""

    def __init__(self, calls: int = CALLS, streams: int = STREAMS) -> None:
        self.calls = Limit("requests in flight", calls)
        self.streams = Limit("watches and other streams open", streams)
