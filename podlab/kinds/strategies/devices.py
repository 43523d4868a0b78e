"""ResourceClaims: what goes with the devices that they give back."""

from __future__ import annotations

from podlab.meta.v1 import meta_pb2
from podlab.resource.v1.resourceclaim_pb2 import (
    AllocatedDeviceStatus,
    DeviceRequestAllocationResult,
    ResourceClaim,
)


def forget_given_back(new: ResourceClaim, old: ResourceClaim, _: meta_pb2.Time) -> None:
    """How a device is that the claim has no more is not told by it either."""
    before, after = ({_device(one) for one in claim.status.allocation.devices.results} for claim in (old, new))
    kept = [one for one in new.status.devices if _device(one) not in before - after]
    del new.status.devices[:]
    new.status.devices.extend(kept)


def _device(of: DeviceRequestAllocationResult | AllocatedDeviceStatus) -> tuple[str, str, str]:
    return of.driver, of.pool, of.device
