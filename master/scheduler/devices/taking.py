"""What is being given to the claims of one pod: devices are taken, and given back when that leads nowhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from master.scheduler.devices import taints
from master.scheduler.devices.allocated import AllocatedDevices
from master.scheduler.devices.capacity import Amounts, consumption, fits
from master.scheduler.devices.constraints import Constraint
from master.scheduler.devices.counters import CountersLeft
from master.scheduler.devices.offers import DeviceId, OfferedDevice, PoolId
from master.scheduler.devices.pools import Pool, PooledDevice
from master.scheduler.devices.requests import AllocationError, Alternative, ClaimToAllocate
from podlab.api.values import quantity


@dataclass(frozen=True)
class Taken:
    """A device that a request was given. `consumed` is what it uses up of a shared device's capacity."""

    alternative: Alternative
    candidate: PooledDevice
    consumed: Amounts
    took_counters: bool


class Taking:
    """`results` are the devices of each claim, in the order in which they were taken."""

    def __init__(self, claims: Sequence[ClaimToAllocate], allocated: AllocatedDevices) -> None:
        self._claims = claims
        self._allocated = allocated
        self.results: list[list[Taken]] = [[] for _ in claims]
        self._constraints = [[Constraint(each) for each in one.claim.spec.devices.constraints] for one in claims]
        self._exclusive: defaultdict[DeviceId, list[int]] = defaultdict(list)  # the numbers of the claims
        self._shares: defaultdict[DeviceId, list[Amounts]] = defaultdict(list)
        self._counters: dict[PoolId, CountersLeft] = {}

    def is_in_use(self, number: int, alternative: Alternative, candidate: PooledDevice) -> bool:
        """Whether the device is another's. An admin may look at it, but not twice for one claim."""
        device = candidate.device.id
        if alternative.is_admin:
            return number in self._exclusive.get(device, ())
        return self._allocated.is_exclusively_taken(device) or bool(self._exclusive.get(device))

    def has_capacity(self, alternative: Alternative, candidate: PooledDevice) -> bool:
        """Whether the device has what is asked for, besides what is used up."""
        return self._consumption(alternative, candidate.device) is not None

    def take(self, number: int, alternative: Alternative, candidate: PooledDevice, *, must: bool) -> bool:
        """Whether the claim of that number can have the device; then it has.

        Raises AllocationError when it `must` have it, and the claim's own constraints speak against that.
        """
        device = candidate.device
        if self.is_in_use(number, alternative, candidate):
            return False
        consumed = self._consumption(alternative, device)
        if consumed is None or taints.keep_off(device.device.taints, alternative.tolerations):
            return False
        needs_counters = bool(device.device.consumesCounters) and not (device.is_shared and self._is_shared(device.id))
        if needs_counters and not self._counters_of(candidate.pool).take(device):
            return False
        if not self._meet_constraints(number, alternative, device):
            if needs_counters:
                self._counters_of(candidate.pool).give_back(device)
            if must:
                claim, name = self._claims[number].reference, alternative.own_name
                problem = f"cannot add device {device.id} because a claim constraint would not be satisfied"
                raise AllocationError(f"claim {claim}, request {name}: {problem}")
            return False
        if device.is_shared:
            self._shares[device.id].append(consumed)
        else:
            self._exclusive[device.id].append(number)
        taken = Taken(alternative, candidate, consumed if device.is_shared else {}, needs_counters)
        self.results[number].append(taken)
        return True

    def give_back(self, number: int) -> None:
        """Undoes the claim's last `take`."""
        taken = self.results[number].pop()
        device = taken.candidate.device
        for constraint in self._constraints[number]:
            constraint.remove(taken.alternative.names, device)
        (self._shares if device.is_shared else self._exclusive)[device.id].pop()
        if taken.took_counters:
            self._counters_of(taken.candidate.pool).give_back(device)

    def _meet_constraints(self, number: int, alternative: Alternative, device: OfferedDevice) -> bool:
        added: list[Constraint] = []
        for constraint in self._constraints[number]:
            if not constraint.add(alternative.names, device):
                for each in added:
                    each.remove(alternative.names, device)
                return False
            added.append(constraint)
        return True

    def _consumption(self, alternative: Alternative, device: OfferedDevice) -> Amounts | None:
        amounts = consumption(alternative.capacity, device.device)
        if amounts is None:
            return None
        taking = self._being_taken(device.id)
        return amounts if fits(amounts, device.device, self._allocated.capacity_used(device.id), taking) else None

    def _being_taken(self, device: DeviceId) -> Mapping[str, Fraction]:
        used: defaultdict[str, Fraction] = defaultdict(Fraction)
        for share in self._shares.get(device, ()):
            for name, amount in share.items():
                used[name] += quantity.parse(amount)
        return used

    def _is_shared(self, device: DeviceId) -> bool:
        return self._allocated.is_shared(device) or bool(self._shares.get(device))

    def _counters_of(self, pool: Pool) -> CountersLeft:
        if pool.id not in self._counters:
            self._counters[pool.id] = CountersLeft(pool, self._allocated)
        return self._counters[pool.id]
