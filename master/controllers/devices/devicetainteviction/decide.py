"""When a pod has to leave because of NoExecute taints of devices that it uses. Pure.

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#device-taints-and-tolerations
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from podlab.api.pods import resourceclaims
from podlab.core.v1 import pod_pb2
from podlab.resource.v1.device_pb2 import DeviceTaint, DeviceToleration
from podlab.resource.v1.resourceclaim_pb2 import DeviceRequestAllocationResult, ResourceClaim
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice

DeviceAt = tuple[str, str, str]
"""Driver, pool and device."""
Taints = Mapping[DeviceAt, Sequence[DeviceTaint]]
"""NoExecute taints of devices that have some."""


def evicting(slices: Iterable[ResourceSlice]) -> dict[DeviceAt, list[DeviceTaint]]:
    """What these slices, all of one pool, say of its devices. Of several generations the last one counts."""
    found: dict[DeviceAt, list[DeviceTaint]] = {}
    known = list(slices)
    newest = max((one.spec.pool.generation for one in known), default=0)
    for one in known:
        if one.spec.pool.generation == newest:
            for device in one.spec.devices:
                taints = [taint for taint in device.taints if taint.effect == "NoExecute"]
                if taints:
                    found[one.spec.driver, one.spec.pool.name, device.name] = taints
    return found


def leave_at(pod: pod_pb2.Pod, claims: Iterable[ResourceClaim], taints: Taints) -> float | None:
    """The time (Unix seconds) at which the pod must go; None when it may stay, or runs nowhere. `claims` are those that
    it names."""
    if not pod.spec.nodeName:
        return None
    ends = [
        end
        for claim in claims
        if resourceclaims.is_reserved_for(pod, claim)
        for result in claim.status.allocation.devices.results
        for end in _ends(result, taints.get((result.driver, result.pool, result.device), ()))
    ]
    return min(ends, default=None)


def devices_of(claim: ResourceClaim) -> set[DeviceAt]:
    """Those that the claim has been given."""
    return {(one.driver, one.pool, one.device) for one in claim.status.allocation.devices.results}


def tolerates(toleration: DeviceToleration, taint: DeviceTaint) -> bool:
    """Whether a toleration of an eviction, and of no other effect, fits the taint."""
    if toleration.effect != "NoExecute" or (toleration.key and toleration.key != taint.key):
        return False
    return toleration.operator == "Exists" or toleration.value == taint.value


def _ends(result: DeviceRequestAllocationResult, taints: Iterable[DeviceTaint]) -> list[float]:
    ends = []
    for taint in taints:
        fitting = [one for one in result.tolerations if tolerates(one, taint)]
        if any(not one.HasField("tolerationSeconds") for one in fitting):
            continue
        allowed_s = min((max(0, one.tolerationSeconds) for one in fitting), default=0)
        ends.append(float(taint.timeAdded.seconds + allowed_s))
    return ends
