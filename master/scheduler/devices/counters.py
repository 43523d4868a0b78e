"""Amounts that the devices of a pool share: a device can be given only while enough is left of them.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/4815-dra-partitionable-devices
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from master.scheduler.devices.allocated import AllocatedDevices
from master.scheduler.devices.offers import OfferedDevice
from master.scheduler.devices.pools import Pool
from podlab.api.values import quantity

_Key = tuple[str, str]
"""The name of the set, and that of the counter."""


class CountersLeft:
    """What is left in one pool. `take` and `give_back` are for what is being allocated."""

    def __init__(self, pool: Pool, allocated: AllocatedDevices) -> None:
        self._left: Counter[_Key] = Counter()
        for name, counters in pool.counter_sets.items():
            for counter, amount in counters.items():
                self._left[name, counter] = _parts(amount)
        for one in (*pool.slices, *pool.elsewhere):
            for device in one.devices:
                if allocated.is_taken(device.id):
                    self._count(device, -1)

    def take(self, device: OfferedDevice) -> bool:
        """Whether enough was left; then it is taken."""
        self._count(device, -1)
        if all(self._left[key] >= 0 for key, _ in _used(device)):
            return True
        self._count(device, 1)
        return False

    def give_back(self, device: OfferedDevice) -> None:
        """The device is not to be given after all."""
        self._count(device, 1)

    def _count(self, device: OfferedDevice, sign: int) -> None:
        for key, amount in _used(device):
            self._left[key] += sign * amount


def _used(device: OfferedDevice) -> Iterator[tuple[_Key, int]]:
    for used in device.device.consumesCounters:
        for name, counter in used.counters.items():
            yield (used.counterSet, name), _parts(quantity.parse(counter.value))


def _parts(amount: Fraction) -> int:
    """In the least parts that Kubernetes knows."""
    return int(amount * 10**9)
