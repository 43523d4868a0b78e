"""Whether the devices that a claim was given are ready for its pod.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/5007-device-attach-before-pod-scheduled
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from podlab.api.objects import condition, is_true
from podlab.api.values import times
from podlab.meta.v1.meta_pb2 import Condition
from podlab.resource.v1.resourceclaim_pb2 import DeviceRequestAllocationResult, ResourceClaim


def must_be_waited_for(claim: ResourceClaim) -> bool:
    """Whether one of its devices has conditions that must hold before a pod is bound."""
    return any(result.bindingConditions for result in claim.status.allocation.devices.results)


def is_ready(claim: ResourceClaim) -> bool:
    """Whether all of these conditions hold."""
    for result in claim.status.allocation.devices.results:
        conditions = _conditions(claim, result)
        if not all(is_true(conditions, each) for each in result.bindingConditions):
            return False
    return True


def why_failed(claim: ResourceClaim) -> str:
    """Which condition says that a device will not become ready; empty when none does."""
    for result in claim.status.allocation.devices.results:
        conditions = _conditions(claim, result)
        for name in result.bindingFailureConditions if result.bindingConditions else ():
            found = condition(conditions, name)
            if found is not None and found.status == "True":
                told = f"reason={found.reason}, message={json.dumps(found.message)}"
                return f"claim {claim.metadata.name} binding failed: {told}"
    return ""


def waited_s(claim: ResourceClaim, now: datetime) -> float:
    """How long ago it was given its devices."""
    given = claim.status.allocation
    if not given.HasField("allocationTimestamp"):
        return 0.0
    return (now - times.to_datetime(given.allocationTimestamp)).total_seconds()


def _conditions(claim: ResourceClaim, result: DeviceRequestAllocationResult) -> Iterable[Condition]:
    """What the driver says of the device."""
    wanted = result.driver, result.pool, result.device
    told = (each for each in claim.status.devices if (each.driver, each.pool, each.device) == wanted)
    return next((each.conditions for each in told), ())
