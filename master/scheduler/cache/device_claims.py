"""ResourceClaims, DeviceClasses and ResourceSlices, and the devices that pods get which are being bound.

A reservation lasts from the decision until the pod is bound or the binding fails. What it gives is taken meanwhile, and
no other pod may use the claims before the API server has stored them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from master.scheduler.cache.storage import ClaimName
from master.scheduler.devices.allocated import AllocatedDevices
from master.scheduler.devices.extended import ExtendedClaim, classes_by_resource, is_extended_claim
from master.scheduler.devices.inventory import Inventory
from podlab.api.objects import controller_of
from podlab.api.pods import resourceclaims
from podlab.core.v1.pod_pb2 import Pod
from podlab.resource.v1.deviceclass_pb2 import DeviceClass
from podlab.resource.v1.resourceclaim_pb2 import AllocationResult, ResourceClaim
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice


@dataclass(frozen=True)
class PodDevices:
    """What is to be done before the pod is bound to the node: all its claims, and what those get that have nothing.

    `extended` is the claim to be created for its extended resources, with what it gets.
    """

    node: str
    claims: tuple[ClaimName, ...]
    allocations: Mapping[ClaimName, AllocationResult]
    extended: tuple[ExtendedClaim, AllocationResult] | None = None


@dataclass(frozen=True)
class PodDeviceClaims:
    """A pod's claims in the order of its spec, or why it cannot be scheduled with them yet.

    `missing` is the claim that has to come, or become another, if its name is known.
    """

    claims: tuple[ResourceClaim, ...] = ()
    refusal: str = ""
    missing: ClaimName | None = None


class DeviceClaims:
    """Only the scheduler's loop writes; plugins read. `changes` counts what was taken in. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.clock = clock
        self.claims: dict[ClaimName, ResourceClaim] = {}
        self.classes: dict[str, DeviceClass] = {}
        self.extended_resources: Mapping[str, str] = {}
        """The class of each extended resource that stands for devices."""
        self.inventory = Inventory()
        self.allocated = AllocatedDevices()
        self.changes = 0
        self._reserved: dict[str, PodDevices] = {}
        self._in_flight: dict[str, AllocationResult] = {}  # by the claim's uid
        self._failed: set[str] = set()
        self._ahead: dict[ClaimName, ResourceClaim] = {}  # stored, and not yet told by the informer
        self._extended_claims: dict[str, ClaimName] = {}  # by the uid of the pod

    def set_claim(self, name: ClaimName, claim: ResourceClaim | None) -> None:
        """Takes in what the informer tells of a claim; None when it is gone. What was stored since stays."""
        ahead = self._ahead.get(name)
        if claim is not None and ahead is not None and _is_older(claim, ahead):
            return
        self._ahead.pop(name, None)
        self._take_in(name, claim)

    def _take_in(self, name: ClaimName, claim: ResourceClaim | None) -> None:
        known = self.claims.get(name)
        self.changes += 1
        if known is not None and (claim is None or claim.metadata.uid != known.metadata.uid):
            self._failed.discard(known.metadata.uid)
            self._count(known.metadata.uid, None)
            self._extended_claims.pop(_pod_of_extended(known), None)
        if claim is None:
            self.claims.pop(name, None)
            return
        self.claims[name] = claim
        if pod_uid := _pod_of_extended(claim):
            self._extended_claims[pod_uid] = name
        if not claim.status.HasField("allocation"):
            self._failed.discard(claim.metadata.uid)
        self._count(claim.metadata.uid, claim)

    def set_class(self, name: str, device_class: DeviceClass | None) -> None:
        """Takes in a class; None when it is gone."""
        self.changes += 1
        if device_class is None:
            self.classes.pop(name, None)
        else:
            self.classes[name] = device_class
        self.extended_resources = classes_by_resource(self.classes.values())

    def set_slice(self, name: str, given: ResourceSlice | None) -> None:
        """Takes in a slice; None when it is gone."""
        self.changes += 1
        self.inventory.set_slice(name, given)

    def claims_of(self, pod: Pod) -> PodDeviceClaims:
        """The claims that the pod names."""
        found: list[ResourceClaim] = []
        namespace = pod.metadata.namespace
        for each in pod.spec.resourceClaims:
            try:
                named = resourceclaims.named(pod, each)
            except resourceclaims.NotCreatedYet as error:
                return PodDeviceClaims(refusal=str(error))
            if named is None:
                continue
            name = namespace, named.name
            claim = self.claims.get(name)
            if claim is None:
                return PodDeviceClaims((), f'could not find ResourceClaim "{namespace}/{named.name}"', name)
            if claim.metadata.HasField("deletionTimestamp"):
                return PodDeviceClaims((), f'resourceclaim "{named.name}" is being deleted', name)
            if named.own and (why := resourceclaims.why_foreign(pod, claim)):
                return PodDeviceClaims((), why, name)
            found.append(claim)
        return PodDeviceClaims(tuple(found))

    def reserve(self, pod_uid: str, planned: PodDevices) -> None:
        """The pod gets these devices; nobody else does until `unreserve`."""
        self.changes += 1
        self._reserved[pod_uid] = planned
        for name, allocation in planned.allocations.items():
            uid = self.claims[name].metadata.uid
            self._in_flight[uid] = allocation
            self.allocated.set_claim(uid, allocation)
        if planned.extended is not None:
            made, allocation = planned.extended
            self.allocated.set_claim(made.claim.metadata.uid, allocation)

    def unreserve(self, pod_uid: str) -> bool:
        """Ends the reservation. True when devices are free again that it gave."""
        planned = self._reserved.pop(pod_uid, None)
        if planned is None:
            return False
        self.changes += 1
        released = [name for name in planned.allocations if self._land(name)]
        if planned.extended is not None:
            self.allocated.set_claim(planned.extended[0].claim.metadata.uid, None)
        return bool(released) or planned.extended is not None

    def stored(self, name: ClaimName, claim: ResourceClaim) -> None:
        """The API server has stored a claim anew: it is known before the informer tells, unless it is gone by then."""
        self._in_flight.pop(claim.metadata.uid, None)
        known = self.claims.get(name)
        is_same = known is not None and known.metadata.uid == claim.metadata.uid
        if known is not None and is_same and not _is_older(claim, known):
            self._ahead[name] = claim
            self._take_in(name, claim)

    def created(self, name: ClaimName, claim: ResourceClaim) -> None:
        """The API server has created a claim: it is known before the informer tells."""
        if name not in self.claims:
            self._ahead[name] = claim
            self._take_in(name, claim)

    def reserved_for(self, pod_uid: str) -> PodDevices | None:
        return self._reserved.get(pod_uid)

    def extended_claim_of(self, pod_uid: str) -> ClaimName | None:
        """The claim that was created for the pod's extended resources."""
        return self._extended_claims.get(pod_uid)

    def is_in_flight(self, claim: ResourceClaim) -> bool:
        """Whether the claim is being given devices at the moment."""
        return claim.metadata.uid in self._in_flight

    def binding_failed(self, claim: ResourceClaim) -> None:
        """The claim's devices cannot be made ready: it is of use on no node until it is given others."""
        self.changes += 1
        self._failed.add(claim.metadata.uid)

    def has_failed(self, claim: ResourceClaim) -> bool:
        """Whether the claim's devices could not be made ready."""
        return claim.metadata.uid in self._failed

    def _land(self, name: ClaimName) -> bool:
        """Whether the claim was still in flight; then it has what is stored, which is nothing or its own."""
        claim = self.claims.get(name)
        if claim is None or self._in_flight.pop(claim.metadata.uid, None) is None:
            return False
        self._count(claim.metadata.uid, claim)
        return not claim.status.HasField("allocation")

    def _count(self, uid: str, claim: ResourceClaim | None) -> None:
        """While the claim is in flight, what it is being given counts, unless it is stored or gone."""
        if claim is None:
            self._in_flight.pop(uid, None)
            self.allocated.set_claim(uid, None)
        elif claim.status.HasField("allocation"):
            self.allocated.set_claim(uid, claim.status.allocation)
        else:
            self.allocated.set_claim(uid, self._in_flight.get(uid))


def _pod_of_extended(claim: ResourceClaim) -> str:
    """The uid of the pod for whose extended resources the claim was made; empty for other claims."""
    owner = controller_of(claim.metadata) if is_extended_claim(claim) else None
    return owner.uid if owner is not None else ""


def _is_older(claim: ResourceClaim, known: ResourceClaim) -> bool:
    """An informer may be behind of what was stored. A claim of another uid is another claim."""
    if claim.metadata.uid != known.metadata.uid:
        return False
    return int(claim.metadata.resourceVersion or 0) < int(known.metadata.resourceVersion or 0)
