"""How long a node waits for its next try when its daemon ends again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST_S = 1.0
LIMIT_S = 15 * 60.0


class FailedPodsBackoff:
    """Per DaemonSet (by uid) and node. The wait doubles with each try, and is forgotten after two quiet limits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: dict[str, dict[str, tuple[float, float]]] = {}  # when the last was, and how long the next waits

    def wait_s(self, owner: str, node: str) -> float:
        """0 when it is time: this counts as the try."""
        now = self._clock()
        tries = self._tries.setdefault(owner, {})
        last, delay_s = tries.get(node, (float("-inf"), 0.0))
        if now < last + delay_s:
            return last + delay_s - now
        quiet = now > last + 2 * LIMIT_S
        tries[node] = (now, FIRST_S if quiet else min(LIMIT_S, 2 * delay_s))
        return 0.0

    def forget(self, owner: str) -> None:
        """The DaemonSet is gone."""
        self._tries.pop(owner, None)
