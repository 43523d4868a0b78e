"""The host ports in use on each node."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray

from podlab.api.pods.hostports import HostPort


class UsedPorts:
    """Ports are indexed by protocol and number; `HostPort.collides` compares their addresses."""

    def __init__(self) -> None:
        self._used: defaultdict[tuple[str, int], defaultdict[int, Counter[HostPort]]]
        self._used = defaultdict(lambda: defaultdict(Counter))

    def add(self, ports: tuple[HostPort, ...], row: int, sign: int) -> None:
        for port in ports:
            rows = self._used[port.protocol, port.port]
            rows[row][port] += sign
            if rows[row][port] <= 0:
                del rows[row][port]
            if not rows[row]:
                del rows[row]
            if not rows:
                del self._used[port.protocol, port.port]

    def conflicts(self, wanted: tuple[HostPort, ...], size: int) -> NDArray[np.bool_]:
        """For each of `size` rows whether a pod there uses one of the ports."""
        found = np.zeros(size, np.bool_)
        for port in wanted:
            for row, others in self._used.get((port.protocol, port.port), {}).items():
                if any(port.collides(other) for other in others):
                    found[row] = True
        return found
