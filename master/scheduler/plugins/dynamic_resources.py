"""DynamicResources: refuses nodes on which the pod's ResourceClaims get no devices, and chooses their devices.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/4381-dra-structured-parameters
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from master.scheduler.cache.device_claims import DeviceClaims, PodDevices
from master.scheduler.cache.pod_info import PodInfo
from master.scheduler.cache.snapshot import Rows, Snapshot
from master.scheduler.cache.storage import ClaimName
from master.scheduler.devices import allocator, readiness
from master.scheduler.devices.allocator import Outcome, allocate
from master.scheduler.devices.extended import ExtendedClaim, extended_claim
from master.scheduler.devices.offers import TargetNode
from master.scheduler.devices.requests import AllocationError, ClaimToAllocate, read_claim, why_unknown_class
from master.scheduler.plugins.protocol import Follows, PluginError, Refusals, Scores, refuse_pod, stretched
from podlab.api.pods import resourceclaims
from podlab.api.selection.nodeselectors import Terms, selects, terms_of
from podlab.core.v1.pod_pb2 import Pod
from podlab.resource.v1.resourceclaim_pb2 import AllocationResult, ResourceClaim

FILTER_TIMEOUT_S = 10.0
BINDING_TIMEOUT_S = 600.0
MOST_ALTERNATIVES = 8
"""So many subrequests a request may have: the first is worth so much, each other one less."""
NOT_AVAILABLE = "resourceclaim not available on the node"
EARLIER_CLAIM = "cannot schedule extended resource claim"
_REASONS = (allocator.CANNOT_ALLOCATE, allocator.INVALID_POOLS, allocator.TIMED_OUT, NOT_AVAILABLE, EARLIER_CLAIM)
_CODES = {reason: code for code, reason in enumerate(_REASONS, start=1)}


@dataclass(frozen=True)
class Deallocation:
    """After no node was found: the claim that others, or this pod on another node, may have, if there is one.

    `is_deletion`: it was made for the pod's extended resources, and is to be made anew.
    """

    message: str
    claim: ClaimName | None = None
    is_deletion: bool = False


# Kubernetes says so of every pod that has no claims, or none that could be looked at.
NOTHING_TO_GIVE_UP = Deallocation("no new claims to deallocate")


class DynamicResources:
    """`filter_timeout_s` bounds how long devices are looked for, for one pod on all nodes; 0 does not.

    `binding_timeout_s` is how long the binding of a pod waits until its devices are ready.
    """

    name = "DynamicResources"
    follows = Follows.CLUSTER
    normalize = staticmethod(stretched)

    def __init__(
        self, filter_timeout_s: float = FILTER_TIMEOUT_S, binding_timeout_s: float = BINDING_TIMEOUT_S
    ) -> None:
        self.filter_timeout_s = filter_timeout_s
        self.binding_timeout_s = binding_timeout_s
        self._last: _Attempt | None = None

    def concerns(self, info: PodInfo, nodes: Snapshot) -> bool:
        """Whether the pod claims devices, or requests what stands for them."""
        by_devices = nodes.devices.extended_resources
        return info.shape.claims_devices or (
            bool(by_devices) and not by_devices.keys().isdisjoint(info.shape.requests.requested)
        )

    def filter(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Refusals | None:
        """Raises PluginError when a claim or class is such that no node can be judged."""
        if not self.concerns(info, nodes):
            return None
        attempt = self._attempt(info, nodes)
        if attempt.refusal:
            return refuse_pod(nodes, rows, attempt.refusal)
        if not attempt.claims and not attempt.extended:
            return None
        is_late = self._deadline(nodes.devices.clock)
        codes = [_CODES.get(attempt.outcome(row, is_late).reason, 0) for row in _numbers(nodes, rows)]
        reasons = {code: (reason,) for reason, code in _CODES.items()}
        return Refusals(np.array(codes, np.int64), reasons, frozenset(reasons))

    def score(self, info: PodInfo, nodes: Snapshot, rows: Rows) -> Scores | None:
        """The better the subrequests that were chosen, the higher."""
        if not self.concerns(info, nodes):
            return None
        attempt = self._attempt(info, nodes)
        if not any(request.firstAvailable for claim in attempt.claims for request in claim.spec.devices.requests):
            return None
        is_late = self._deadline(nodes.devices.clock)
        scores = [attempt.score(attempt.outcome(row, is_late)) for row in _numbers(nodes, rows)]
        return np.array(scores, np.int64)

    def plan(self, info: PodInfo, nodes: Snapshot, node: str) -> PodDevices | None:
        """What is to be done for the pod's claims on the node, which passed the filter; None without claims."""
        row = nodes.row(node)
        if not self.concerns(info, nodes) or row is None:
            return None
        attempt = self._attempt(info, nodes)
        allocations = attempt.outcome(row, self._deadline(nodes.devices.clock)).allocations
        extended = attempt.extended_claim(row)
        if not attempt.claims and extended is None:
            return None
        given = zip(attempt.to_allocate, allocations, strict=extended is None)
        return PodDevices(
            node,
            tuple(_name(claim) for claim in attempt.claims),
            {_name(each.claim): allocation for each, allocation in given},
            (extended, allocations[-1]) if extended is not None else None,
        )

    def deallocation(self, info: PodInfo, nodes: Snapshot) -> Deallocation:
        """After the filter refused all nodes: which claim may be given up."""
        attempt = self._attempt(info, nodes) if self.concerns(info, nodes) else None
        if attempt is None or attempt.refusal or not (attempt.claims or attempt.extended):
            return NOTHING_TO_GIVE_UP
        for claim in attempt.claims:
            if _name(claim) in attempt.unavailable and _is_used_by_none_but(info.pod, claim):
                return Deallocation("deallocation of ResourceClaim completed", _name(claim))
        if attempt.earlier is not None:
            return Deallocation("deletion of ResourceClaim completed", attempt.earlier, is_deletion=True)
        return Deallocation("still not schedulable")

    def _attempt(self, info: PodInfo, nodes: Snapshot) -> _Attempt:
        """What is known about the pod: kept until something changes, as filter, score and plan ask for the same."""
        key = (info.uid, info.pod.metadata.resourceVersion, nodes.devices.changes, nodes.epoch)
        if self._last is None or self._last.key != key or self._last.nodes is not nodes:
            self._last = _Attempt(key, info, nodes)
        return self._last

    def _deadline(self, clock: Callable[[], float]) -> Callable[[], bool]:
        if not self.filter_timeout_s:
            return lambda: False
        end = clock() + self.filter_timeout_s
        return lambda: clock() > end


class _Attempt:
    """One pod's claims: why they fit on no node, or what they get on each.

    `extended` are its extended resources that stand for devices, each with its class; `earlier` is a claim that was
    created for them at an earlier attempt.
    """

    def __init__(self, key: tuple[str, str, int, int], info: PodInfo, nodes: Snapshot) -> None:
        self.key = key
        self.nodes = nodes
        pod = self._pod = info.pod
        by_devices = nodes.devices.extended_resources
        self.extended = {name: by_devices[name] for name in info.shape.requests.requested if name in by_devices}
        self.earlier = nodes.devices.extended_claim_of(info.uid) if self.extended else None
        found = nodes.devices.claims_of(pod)
        self.claims: Sequence[ResourceClaim] = found.claims
        self.refusal = found.refusal or _why_not_usable(pod, found.claims, nodes.devices)
        self.unavailable: set[ClaimName] = set()
        self.to_allocate: Sequence[ClaimToAllocate] = ()
        self._places: list[tuple[ResourceClaim, Terms | None]] = []
        self._outcomes: dict[int, Outcome] = {}
        self._extended_claims: dict[frozenset[str], ExtendedClaim] = {}
        if self.refusal:
            return
        classes = nodes.devices.classes
        pending = [claim for claim in found.claims if not claim.status.HasField("allocation")]
        self.to_allocate = [read_claim(claim, classes) for claim in pending]
        self._places = [
            (claim, _terms(claim.status.allocation)) for claim in found.claims if claim.status.HasField("allocation")
        ]

    def outcome(self, row: int, is_late: Callable[[], bool]) -> Outcome:
        """What the claims that have nothing yet get on the node of the row. Raises PluginError."""
        found = self._outcomes.get(row)
        if found is None:
            found = self._outcome(row, is_late)
            if found.reason != allocator.TIMED_OUT:
                self._outcomes[row] = found
        return found

    def extended_claim(self, row: int) -> ExtendedClaim | None:
        """The claim for what the node of the row has not got itself; None when there is nothing such."""
        resources = self.nodes.resources
        lacking = frozenset(name for name in self.extended if not resources.amount(name, row)[1])
        if not lacking:
            return None
        if lacking not in self._extended_claims:
            classes = {name: self.extended[name] for name in lacking}
            self._extended_claims[lacking] = extended_claim(self._pod, classes)
        return self._extended_claims[lacking]

    def score(self, outcome: Outcome) -> int:
        """How good the chosen subrequests are, over all claims."""
        allocations = {
            _name(each.claim): given for each, given in zip(self.to_allocate, outcome.allocations, strict=False)
        }
        return sum(_worth(claim, allocations.get(_name(claim), claim.status.allocation)) for claim in self.claims)

    def _outcome(self, row: int, is_late: Callable[[], bool]) -> Outcome:
        node, devices = TargetNode(self.nodes.names[row], self.nodes.labels.get(row)), self.nodes.devices
        if self.earlier is not None:
            return Outcome(node, reason=EARLIER_CLAIM)
        unavailable = [
            claim
            for claim, terms in self._places
            if _has_failed(claim, devices) or (terms is not None and not selects(terms, node.name, node.labels))
        ]
        outcome, extended = Outcome(node), self.extended_claim(row)
        claims = [*self.to_allocate, *([read_claim(extended.claim, devices.classes)] if extended is not None else [])]
        if claims:
            try:
                outcome = allocate(claims, node, devices.inventory, devices.allocated, is_late)
            except AllocationError as error:
                raise PluginError(f'running "{DynamicResources.name}" filter plugin: {error}') from error
        if outcome.reason or not unavailable:
            return outcome
        self.unavailable.update(_name(claim) for claim in unavailable)
        return Outcome(node, reason=NOT_AVAILABLE)


def _has_failed(claim: ResourceClaim, devices: DeviceClaims) -> bool:
    """Whether the claim's devices do not become ready."""
    return devices.has_failed(claim) or bool(readiness.why_failed(claim))


def _why_not_usable(pod: Pod, claims: Iterable[ResourceClaim], devices: DeviceClaims) -> str:
    """Why the pod cannot have its claims on any node; empty when it can."""
    for claim in claims:
        if claim.status.HasField("allocation"):
            if not resourceclaims.can_be_reserved(claim) and not resourceclaims.is_reserved_for(pod, claim):
                return "resourceclaim in use"
        elif devices.is_in_flight(claim):
            namespace, name = _name(claim)
            return f"resource claim {namespace}/{name} is in the process of being allocated"
        elif why := why_unknown_class(claim, devices.classes):
            return why
    return ""


def _worth(claim: ResourceClaim, allocation: AllocationResult) -> int:
    given = {result.request for result in allocation.devices.results}
    return sum(
        MOST_ALTERNATIVES - place
        for request in claim.spec.devices.requests
        for place, each in enumerate(request.firstAvailable)
        if f"{request.name}/{each.name}" in given
    )


def _terms(allocation: AllocationResult) -> Terms | None:
    """Where what was given can be used; None when that is everywhere."""
    return terms_of(allocation.nodeSelector) if allocation.HasField("nodeSelector") else None


def _is_used_by_none_but(pod: Pod, claim: ResourceClaim) -> bool:
    return all(consumer.uid == pod.metadata.uid for consumer in claim.status.reservedFor)


def _name(claim: ResourceClaim) -> ClaimName:
    return claim.metadata.namespace, claim.metadata.name


def _numbers(nodes: Snapshot, rows: Rows) -> list[int]:
    """The rows one by one."""
    return list(range(nodes.size)) if isinstance(rows, slice) else rows.tolist()
