"""Which devices claims get on a node: the first choice that works, of all there are.

Claims, their requests and the devices of a request are taken one after another; when one cannot be had, the choice
before is undone and the next one tried. Pools, slices and devices have an order, so equal questions get equal answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from master.scheduler.devices.allocated import AllocatedDevices
from master.scheduler.devices.inventory import Inventory
from master.scheduler.devices.offers import TargetNode
from master.scheduler.devices.pools import NodePools, PooledDevice
from master.scheduler.devices.requests import MOST_DEVICES, AllocationError, Alternative, ClaimToAllocate
from master.scheduler.devices.results import allocation_result
from master.scheduler.devices.taking import Taken, Taking
from podlab.resource.v1.resourceclaim_pb2 import AllocationResult

CANNOT_ALLOCATE = "cannot allocate all claims"
INVALID_POOLS = "invalid resource pools were encountered"
TIMED_OUT = "timed out trying to allocate devices"

_Choices = Iterator["_Choices"]
"""Makes one choice at a time; each item makes the choices that follow. Asked for the next, it undoes the one before."""
_DONE: _Choices = iter(())


@dataclass(frozen=True)
class Given:
    """What a claim gets: the devices, and the alternatives that were chosen, by the number of the request."""

    claim: ClaimToAllocate
    chosen: Mapping[int, Alternative]
    taken: Sequence[Taken]


@dataclass(frozen=True)
class Outcome:
    """What each claim gets on the node, in their order; or the reason why there is no way, in Kubernetes' words."""

    node: TargetNode
    given: Sequence[Given] = ()
    reason: str = ""

    @cached_property
    def allocations(self) -> Sequence[AllocationResult]:
        """As the claims' statuses will say. Most outcomes are never asked: a pod goes to one node."""
        return [allocation_result(each.claim, each.chosen, each.taken, self.node) for each in self.given]


def allocate(
    claims: Sequence[ClaimToAllocate],
    node: TargetNode,
    inventory: Inventory,
    allocated: AllocatedDevices,
    is_late: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Tries until `is_late`. Raises AllocationError."""
    offered = inventory.pools_for(node)
    search = _Search(claims, offered, allocated)
    found = search.run(is_late)
    if found is None:
        return Outcome(node, reason=TIMED_OUT)
    if found:
        parts = zip(claims, search.chosen, search.taking.results, strict=True)
        return Outcome(node, [Given(claim, chosen, taken) for claim, chosen, taken in parts])
    is_invalid = any(pool.why_invalid for pool in offered.pools)
    return Outcome(node, reason=INVALID_POOLS if is_invalid else CANNOT_ALLOCATE)


class _Search:
    """`chosen` are the alternatives of each claim, by the number of the request."""

    def __init__(self, claims: Sequence[ClaimToAllocate], offered: NodePools, allocated: AllocatedDevices) -> None:
        self._claims = claims
        self._offered = offered
        self._candidates = offered.devices
        self.taking = Taking(claims, allocated)
        self.chosen: list[dict[int, Alternative]] = [{} for _ in claims]
        self._all_of: dict[int, list[PooledDevice]] = {}  # by the identity of an alternative that asks for all
        self._least: list[list[int]] = [self._least_of(claim) for claim in claims]

    def run(self, is_late: Callable[[], bool]) -> bool | None:
        """Whether all claims got what they ask for; None when it was late before that was known."""
        stack = [self._requests(0, 0)]
        while stack:
            if is_late():
                return None
            following = next(stack[-1], None)
            if following is _DONE:
                return True
            if following is None:
                stack.pop()
            else:
                stack.append(following)
        return False

    def _least_of(self, claim: ClaimToAllocate) -> list[int]:
        """How many devices each request needs at least. Raises AllocationError when they are too many together."""
        least = [min(self._count(claim, each) for each in alternatives) for alternatives in claim.requests]
        if sum(least) > MOST_DEVICES:
            raise AllocationError(
                f"claim {claim.reference}: number of requested devices {sum(least)} exceeds the claim limit of"
                f" {MOST_DEVICES}"
            )
        return least

    def _count(self, claim: ClaimToAllocate, alternative: Alternative) -> int:
        if alternative.count is not None:
            return alternative.count
        if id(alternative) not in self._all_of:
            self._all_of[id(alternative)] = list(self._all(claim, alternative))
        return len(self._all_of[id(alternative)])

    def _all(self, claim: ClaimToAllocate, alternative: Alternative) -> Iterator[PooledDevice]:
        """Every device that the alternative means. Raises AllocationError when a pool is not known in whole."""
        asked = f"claim {claim.reference}, request {alternative.own_name}: asks for all devices, but resource pool"
        for pool in self._offered.pools:
            if pool.is_incomplete:
                raise AllocationError(f"{asked} {pool.id} is currently being updated")
            if pool.why_invalid:
                raise AllocationError(f"{asked} {pool.id} is currently invalid")
            for candidate in (PooledDevice(pool, device) for device in pool.devices):
                if self._is_meant(alternative, candidate) and self.taking.has_capacity(alternative, candidate):
                    yield candidate

    def _is_meant(self, alternative: Alternative, candidate: PooledDevice) -> bool:
        """Raises AllocationError for a selector that cannot be evaluated."""
        if not all(selector.chooses(candidate.device) for selector in alternative.selectors):
            return False
        own_reach = candidate.device.own_reach
        return own_reach is None or own_reach.has(self._offered.node)

    def _requests(self, number: int, request: int) -> _Choices:
        """The alternatives of a request, the best first."""
        if number == len(self._claims):
            yield _DONE
            return
        claim = self._claims[number]
        if request == len(claim.requests):
            yield self._requests(number + 1, 0)
            return
        room = MOST_DEVICES - len(self.taking.results[number]) - sum(self._least[number][request + 1 :])
        for alternative in claim.requests[request]:
            count = self._count(claim, alternative)
            if count > room or (alternative.count is None and not count):
                continue
            self.chosen[number][request] = alternative
            if alternative.count is None:
                yield self._whole(number, request, alternative, 0)
            else:
                yield self._some(number, request, alternative, (count, 0))

    def _whole(self, number: int, request: int, alternative: Alternative, place: int) -> _Choices:
        """All devices that are meant: without one of them there is no way."""
        candidates = self._all_of[id(alternative)]
        if place == len(candidates):
            yield self._requests(number, request + 1)
            return
        if self.taking.take(number, alternative, candidates[place], must=True):
            yield self._whole(number, request, alternative, place + 1)
            self.taking.give_back(number)

    def _some(self, number: int, request: int, alternative: Alternative, at: tuple[int, int]) -> _Choices:
        """`at` is how many devices are missing, and the first that may be taken: their order does not matter."""
        missing, first = at
        if not missing:
            yield self._requests(number, request + 1)
            return
        for place in range(first, len(self._candidates)):
            candidate = self._candidates[place]
            if self.taking.is_in_use(number, alternative, candidate) or not self._is_meant(alternative, candidate):
                continue
            if self.taking.take(number, alternative, candidate, must=False):
                yield self._some(number, request, alternative, (missing - 1, place + 1))
                self.taking.give_back(number)
