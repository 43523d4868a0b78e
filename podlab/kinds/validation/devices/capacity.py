"""How much of a shared device's capacity may be asked for.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/5075-dra-consumable-capacity
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from podlab.api.values import quantity
from podlab.kinds.validation.devices.parts import fits
from podlab.kinds.validation.findings import Findings
from podlab.meta.v1 import meta_pb2
from podlab.resource.v1 import resourceslice_pb2 as pb

_MOST_VALUES = 10
_NOT_BOTH = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
_NOT_OF_POLICY = "default value is not valid according to the requestPolicy"


def check_capacity(found: Findings, field: str, capacity: pb.DeviceCapacity, *, shared: bool) -> None:
    """`shared` tells whether several claims may have the device at once: only then parts of it are asked for."""
    if not capacity.HasField("requestPolicy"):
        return
    where, policy = f"{field}.requestPolicy", capacity.requestPolicy
    if not shared:
        found.forbidden(where, "allowMultipleAllocations must be true")
    elif policy.validValues and policy.HasField("validRange"):
        found.forbidden(where, _NOT_BOTH)
    else:
        _check_policy(found, where, capacity.value, policy)


def _check_policy(found: Findings, field: str, whole: meta_pb2.Quantity, policy: pb.CapacityRequestPolicy) -> None:
    given = "validValues" if policy.validValues else "validRange" if policy.HasField("validRange") else ""
    if not given:
        return
    if not policy.HasField("default"):
        found.required(f"{field}.default", f"required when {given} is defined")
    elif given == "validValues":
        _check_values(found, f"{field}.validValues", whole, policy)
    else:
        _check_range(found, f"{field}.validRange", whole, policy.default, policy.validRange)


def _check_values(found: Findings, field: str, whole: meta_pb2.Quantity, policy: pb.CapacityRequestPolicy) -> None:
    values = [_amount(one) for one in policy.validValues]
    for index, (before, after) in enumerate(pairwise(values), start=1):
        if before > after:
            shown = policy.validValues[index].string
            found.invalid(f"{field}[{index}]", shown, "values must be sorted in ascending order")
    if fits(found, field, values, _MOST_VALUES):
        for index, value in enumerate(values):
            shown = policy.validValues[index].string
            if value > _amount(whole):
                found.invalid(f"{field}[{index}]", shown, f"option is larger than capacity value: {whole.string}")
            if value in values[:index]:
                found.duplicate(f"{field}[{index}]", str(quantity.value(policy.validValues[index])))
    if _amount(policy.default) not in values:
        found.invalid(field, policy.default.string, _NOT_OF_POLICY)


def _check_range(
    found: Findings,
    field: str,
    whole: meta_pb2.Quantity,
    default: meta_pb2.Quantity,
    within: pb.CapacityRequestPolicyRange,
) -> None:
    if not within.HasField("min"):
        found.required(f"{field}.min", "required when validRange is defined")
        return
    least, most = within.min, within.max
    if _amount(least) > _amount(whole):
        found.invalid(f"{field}.min", least.string, f"min is larger than capacity value: {whole.string}")
    if _amount(default) < _amount(least):
        found.invalid(f"{field}.default", default.string, f"default is less than min: {least.string}")
    if within.HasField("max"):
        if _amount(least) > _amount(most):
            found.invalid(f"{field}.max", least.string, f"min is larger than max: {most.string}")
        if _amount(most) > _amount(whole):
            found.invalid(f"{field}.max", most.string, f"max is larger than capacity value: {whole.string}")
        if _amount(default) > _amount(most):
            found.invalid(f"{field}.default", default.string, f"default is more than max: {most.string}")
    if within.HasField("step"):
        _check_step(found, f"{field}.step", whole, default, within)


def _check_step(
    found: Findings,
    field: str,
    whole: meta_pb2.Quantity,
    default: meta_pb2.Quantity,
    within: pb.CapacityRequestPolicyRange,
) -> None:
    step, least = _amount(within.step), _amount(within.min)
    if step <= 0:
        found.invalid(field, within.step.string, "must be greater than zero")
        return
    if least + step > _amount(whole):
        added = quantity.format_millis(int((least + step) * 1000))
        rule = f"one step {added} is larger than capacity value: {whole.string}"
        found.invalid(field, within.step.string, rule)
    for value in (default, *([within.max] if within.HasField("max") else [])):
        if (_amount(value) - least) % step:
            rule = f"value is not a multiple of a given step ({within.step.string}) from ({within.min.string})"
            found.invalid(field, value.string, rule)


def _amount(given: meta_pb2.Quantity) -> Fraction:
    """Zero for what is no quantity, which is found out elsewhere."""
    try:
        return quantity.parse(given)
    except ValueError:
        return Fraction(0)
