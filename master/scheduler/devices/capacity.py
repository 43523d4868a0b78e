"""How much of a device's capacity a request uses up.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/5075-dra-consumable-capacity
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil

from podlab.api.values import quantity
from podlab.resource.v1.resourceslice_pb2 import (
    CapacityRequestPolicy,
    CapacityRequestPolicyRange,
    Device,
    DeviceCapacity,
)

Amounts = Mapping[str, str]
"""Quantities by the name of the capacity."""


def consumption(requested: Amounts, device: Device) -> Amounts | None:
    """What the request uses up of the device; None when the device has not what is asked for, or gives it not so."""
    if any(name not in device.capacity for name in requested):
        return None
    used: dict[str, str] = {}
    for name, capacity in sorted(device.capacity.items()):
        amount = _amount(requested.get(name), capacity)
        if capacity.HasField("requestPolicy") and _violates(amount, capacity.requestPolicy):
            return None
        used[name] = amount
    return used


def fits(amounts: Amounts, device: Device, *already: Mapping[str, Fraction]) -> bool:
    """Whether the device has so much, besides what is used up already."""
    for name, amount in amounts.items():
        total = quantity.parse(amount) + sum(used.get(name, Fraction(0)) for used in already)
        if total > quantity.parse(device.capacity[name].value):
            return False
    return True


def _amount(requested: str | None, capacity: DeviceCapacity) -> str:
    """Who asks for nothing gets the default, or all; what is asked for is rounded up to what may be."""
    policy = capacity.requestPolicy
    if requested is None:
        return str(policy.default.string if policy.HasField("default") else capacity.value.string)
    if policy.HasField("validRange") and policy.validRange.HasField("min"):
        return _in_range(requested, policy.validRange)
    for valid in policy.validValues:
        if quantity.parse(requested) <= quantity.parse(valid):
            return str(valid.string)
    return requested


def _in_range(requested: str, valid: CapacityRequestPolicyRange) -> str:
    amount, least = quantity.parse(requested), quantity.parse(valid.min)
    if amount <= least:
        return str(valid.min.string)
    if not valid.HasField("step"):
        return requested
    step = quantity.parse(valid.step)
    rounded = least + ceil((amount - least) / step) * step
    if rounded == amount:
        return requested
    return (
        quantity.format_bytes(int(rounded))
        if rounded.denominator == 1
        else quantity.format_millis(ceil(rounded * 1000))
    )


def _violates(amount: str, policy: CapacityRequestPolicy) -> bool:
    wanted = quantity.parse(amount)
    if policy.HasField("default") and wanted == quantity.parse(policy.default):
        return False
    if policy.HasField("validRange"):
        valid = policy.validRange
        return valid.HasField("max") and wanted > quantity.parse(valid.max)
    return bool(policy.validValues) and all(wanted != quantity.parse(valid) for valid in policy.validValues)
