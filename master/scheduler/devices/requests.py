"""What a claim asks for, read once for all nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from master.scheduler.devices.capacity import Amounts
from master.scheduler.devices.offers import OfferedDevice
from podlab.cel.values import CompileError, CostLimitExceeded, EvaluationError
from podlab.resource.v1.device_pb2 import DeviceSelector, DeviceToleration
from podlab.resource.v1.deviceclass_pb2 import DeviceClass
from podlab.resource.v1.resourceclaim_pb2 import (
    DeviceRequest,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceClaim,
)

MOST_DEVICES = 32
"""So many devices a claim may be given."""
ALL = "All"


class AllocationError(Exception):
    """Something is wrong with a claim, a class or a pool: no node can be judged. The message is Kubernetes'."""


@dataclass(frozen=True)
class Selector:
    """An expression, and where it stands."""

    expression: str
    place: str

    def chooses(self, device: OfferedDevice) -> bool:
        """Raises AllocationError."""
        try:
            return device.is_chosen_by(self.expression)
        except CompileError as error:
            raise AllocationError(f"{self.place}: CEL compile error: {error}") from None
        except (EvaluationError, CostLimitExceeded) as error:
            raise AllocationError(f"{self.place} on device {device.id}: CEL runtime error: {error}") from None


@dataclass(frozen=True)
class Alternative:
    """One thing that would do for a request: all of it, or one of its subrequests.

    `count` is how many devices; None for all that there are.
    """

    request: str
    subrequest: str
    device_class: DeviceClass
    selectors: Sequence[Selector]
    count: int | None
    is_admin: bool
    tolerations: Sequence[DeviceToleration]
    capacity: Amounts

    @property
    def own_name(self) -> str:
        return self.subrequest or self.request

    @property
    def full_name(self) -> str:
        """What results and configurations call it."""
        return f"{self.request}/{self.subrequest}" if self.subrequest else self.request

    @property
    def names(self) -> frozenset[str]:
        """What constraints may call it."""
        return frozenset({self.request, self.full_name})


@dataclass(frozen=True)
class ClaimToAllocate:
    """A claim; for each of its requests what would do, the best first."""

    claim: ResourceClaim
    requests: Sequence[Sequence[Alternative]]

    @property
    def reference(self) -> str:
        return f"{self.claim.metadata.namespace}/{self.claim.metadata.name}"


def why_unknown_class(claim: ResourceClaim, classes: Mapping[str, DeviceClass]) -> str:
    """Which class the claim names that does not exist; empty when there is none."""
    for request in claim.spec.devices.requests:
        named = [(request.name, request.exactly.deviceClassName)] if request.HasField("exactly") else []
        named += [(f"{request.name}/{sub.name}", sub.deviceClassName) for sub in request.firstAvailable]
        for name, device_class in named:
            if device_class not in classes:
                return f"request {name}: device class {device_class} does not exist"
    return ""


def read_claim(claim: ResourceClaim, classes: Mapping[str, DeviceClass]) -> ClaimToAllocate:
    """The classes have to exist. Raises AllocationError."""
    reference = f"{claim.metadata.namespace}/{claim.metadata.name}"
    requests = [_alternatives(each, classes, reference) for each in claim.spec.devices.requests]
    return ClaimToAllocate(claim, requests)


def _alternatives(request: DeviceRequest, classes: Mapping[str, DeviceClass], claim: str) -> list[Alternative]:
    if request.HasField("exactly"):
        is_admin = request.exactly.adminAccess
        return [_alternative(request.exactly, request.name, "", classes, claim=claim, is_admin=is_admin)]
    return [
        _alternative(each, request.name, each.name, classes, claim=claim, is_admin=False)
        for each in request.firstAvailable
    ]


def _alternative(
    given: ExactDeviceRequest | DeviceSubRequest,
    request: str,
    subrequest: str,
    classes: Mapping[str, DeviceClass],
    *,
    claim: str,
    is_admin: bool,
) -> Alternative:
    device_class = classes[given.deviceClassName]
    of_class = _selectors(device_class.spec.selectors, f"class {device_class.metadata.name}")
    return Alternative(
        request,
        subrequest,
        device_class,
        (*of_class, *_selectors(given.selectors, f"claim {claim}")),
        count=None if given.allocationMode == ALL else given.count,
        is_admin=is_admin,
        tolerations=given.tolerations,
        capacity={name: amount.string for name, amount in given.capacity.requests.items()},
    )


def _selectors(given: Sequence[DeviceSelector], place: str) -> list[Selector]:
    return [Selector(each.cel.expression, f"{place}: selector #{index}") for index, each in enumerate(given)]
