"""Which blocks of the cluster's range are whose, and the lowest that is nobody's, without looking at all of them."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_network

from podlab.api.values.ipfamilies import Network


class CidrSet:
    """Blocks of one size. Networks of other sizes and of elsewhere may be held too: what they overlap is not free."""

    def __init__(self, cluster: Network, mask: int) -> None:
        self._cluster = cluster
        self._mask = mask
        self._first, self._step = int(cluster.network_address), 2 ** (cluster.max_prefixlen - mask)
        self._count = cluster.num_addresses // self._step
        self._networks_by_owner: dict[str, tuple[str, ...]] = {}
        self._uses: Counter[int] = Counter()  # by the number of the block
        self._never_used = 0  # from this one on, as far as `lowest_free` has looked
        self._given_back: list[int] = []  # a heap; may name some that are in use again

    def networks_of(self, owner: str) -> tuple[str, ...]:
        """What the owner holds."""
        return self._networks_by_owner.get(owner, ())

    def occupy(self, owner: str, networks: Iterable[str]) -> None:
        """The owner has these, and no others any more. Raises ValueError for what is no network."""
        networks = tuple(networks)
        if networks == self.networks_of(owner):
            return
        numbers = [number for network in networks for number in self._numbers(network)]
        self.release(owner)
        self._networks_by_owner[owner] = networks
        self._uses.update(numbers)

    def release(self, owner: str) -> None:
        """The owner has none any more."""
        for network in self._networks_by_owner.pop(owner, ()):
            for number in self._numbers(network):
                self._uses[number] -= 1
                if not self._uses[number]:
                    del self._uses[number]
                    heapq.heappush(self._given_back, number)

    def lowest_free(self) -> str | None:
        """The first block that overlaps nothing that is held; None when the range is full."""
        while self._given_back and self._uses[self._given_back[0]]:
            heapq.heappop(self._given_back)
        while self._never_used < self._count and self._uses[self._never_used]:
            self._never_used += 1
        number = min([*self._given_back[:1], self._never_used])
        if number >= self._count:
            return None
        return str(type(self._cluster)((self._first + number * self._step, self._mask)))

    def _numbers(self, network: str) -> range:
        """The blocks of the range that the network overlaps; those of the other family overlap none."""
        span = ip_network(network, strict=False)
        if span.version != self._cluster.version:
            return range(0)
        first = (int(span.network_address) - self._first) // self._step
        last = (int(span.broadcast_address) - self._first) // self._step
        return range(max(0, first), min(self._count - 1, last) + 1)
