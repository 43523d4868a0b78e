"""Which devices are taken, by all claims that were given some."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from fractions import Fraction

from master.scheduler.devices.offers import DeviceId
from podlab.api.values import quantity
from podlab.resource.v1.resourceclaim_pb2 import AllocationResult, DeviceRequestAllocationResult


class AllocatedDevices:
    """Admins who look at a device do not take it."""

    def __init__(self) -> None:
        self._by_claim: dict[str, AllocationResult] = {}
        self._exclusive: Counter[DeviceId] = Counter()
        self._shares: Counter[DeviceId] = Counter()
        self._capacity: defaultdict[DeviceId, Counter[str]] = defaultdict(Counter)

    def set_claim(self, uid: str, allocation: AllocationResult | None) -> None:
        """What the claim was given; None when that is nothing."""
        if (old := self._by_claim.pop(uid, None)) is not None:
            self._count(old, -1)
        if allocation is not None:
            self._by_claim[uid] = allocation
            self._count(allocation, 1)

    def is_exclusively_taken(self, device: DeviceId) -> bool:
        """Whether a claim has all of it."""
        return device in self._exclusive

    def is_taken(self, device: DeviceId) -> bool:
        """Whether a claim has it, or a share of it."""
        return device in self._exclusive or device in self._shares

    def is_shared(self, device: DeviceId) -> bool:
        """Whether a claim has a share of it."""
        return device in self._shares

    def capacity_used(self, device: DeviceId) -> Mapping[str, Fraction]:
        """How much of a shared device's capacity is used up, by the capacity's name."""
        if device not in self._shares:
            return {}
        return {name: Fraction(millionths, _PARTS) for name, millionths in self._capacity[device].items()}

    def _count(self, allocation: AllocationResult, sign: int) -> None:
        for result in allocation.devices.results:
            device = DeviceId(result.driver, result.pool, result.device)
            if result.adminAccess:
                continue
            if result.HasField("shareID"):
                self._count_share(device, result, sign)
            else:
                _add(self._exclusive, device, sign)

    def _count_share(self, device: DeviceId, result: DeviceRequestAllocationResult, sign: int) -> None:
        _add(self._shares, device, sign)
        for name, amount in result.consumedCapacity.items():
            self._capacity[device][name] += sign * int(quantity.parse(amount) * _PARTS)
        if device not in self._shares:
            del self._capacity[device]


# The least part of an amount that Kubernetes knows.
_PARTS = 10**9


def _add(counts: Counter[DeviceId], device: DeviceId, sign: int) -> None:
    counts[device] += sign
    if not counts[device]:
        del counts[device]
