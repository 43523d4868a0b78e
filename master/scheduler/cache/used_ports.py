"""Which ports of which nodes are taken."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray

from podlab.api.hostports import HostPort


class HostPorts:
    """Found by protocol and port; addresses are compared then."""

    def __init__(self) -> None:
        self._taken: defaultdict[tuple[str, int], defaultdict[int, Counter[HostPort]]]
        self._taken = defaultdict(lambda: defaultdict(Counter))

    def add(self, ports: tuple[HostPort, ...], row: int, sign: int) -> None:
        for port in ports:
            rows = self._taken[port.protocol, port.port]
            rows[row][port] += sign
            if rows[row][port] <= 0:
                del rows[row][port]
            if not rows[row]:
                del rows[row]
            if not rows:
                del self._taken[port.protocol, port.port]

    def collide(self, wanted: tuple[HostPort, ...], size: int) -> NDArray[np.bool_]:
        """For each of so many rows whether one of the ports is taken there."""
        taken = np.zeros(size, np.bool_)
        for port in wanted:
            for row, others in self._taken.get((port.protocol, port.port), {}).items():
                if any(port.collides(other) for other in others):
                    taken[row] = True
        return taken
