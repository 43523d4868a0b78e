"""What a claim was given, as its status says."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence

from master.scheduler.devices.offers import OfferedDevice, TargetNode
from master.scheduler.devices.requests import Alternative, ClaimToAllocate
from master.scheduler.devices.taking import Taken
from podlab.api.selection.nodeselectors import NAME_FIELD
from podlab.core.v1.pod_pb2 import NodeSelector, NodeSelectorRequirement
from podlab.resource.v1.resourceclaim_pb2 import (
    AllocationResult,
    DeviceAllocationConfiguration,
    DeviceRequestAllocationResult,
)

_SHARES = uuid.UUID("6f1d4a3c-2f0e-5f0a-9d53-0c1a1f3f0c55")
"""The namespace of the shares' names."""


def allocation_result(
    claim: ClaimToAllocate, chosen: Mapping[int, Alternative], taken: Sequence[Taken], node: TargetNode
) -> AllocationResult:
    """`chosen` are the alternatives by the number of the request."""
    made = AllocationResult()
    for number, one in enumerate(taken):
        made.devices.results.append(_result(one, f"{claim.claim.metadata.uid}/{number}"))
    made.devices.config.extend(_configurations(claim, [chosen[number] for number in sorted(chosen)]))
    selector = _node_selector([one.candidate.device for one in taken], node)
    if selector is not None:
        made.nodeSelector.CopyFrom(selector)
    return made


def _result(taken: Taken, place: str) -> DeviceRequestAllocationResult:
    device, alternative = taken.candidate.device, taken.alternative
    result = DeviceRequestAllocationResult(
        request=alternative.full_name,
        driver=device.id.driver,
        pool=device.id.pool,
        device=device.id.device,
        tolerations=alternative.tolerations,
        bindingConditions=device.device.bindingConditions,
        bindingFailureConditions=device.device.bindingFailureConditions,
    )
    if alternative.is_admin:
        result.adminAccess = True
    if device.is_shared:
        result.shareID = str(uuid.uuid5(_SHARES, f"{place}/{device.id}"))
        for name, amount in taken.consumed.items():
            result.consumedCapacity[name].string = amount
    return result


def _configurations(claim: ClaimToAllocate, chosen: Sequence[Alternative]) -> list[DeviceAllocationConfiguration]:
    """Those of the classes, each once, and then the claim's own. No requests are all requests."""
    made: list[DeviceAllocationConfiguration] = []
    requests_of: dict[str, list[str]] = {}
    classes = {each.device_class.metadata.name: each.device_class for each in chosen}
    for each in chosen:
        requests_of.setdefault(each.device_class.metadata.name, []).append(each.full_name)
    for name, requests in requests_of.items():
        for config in classes[name].spec.config:
            given = config.deviceConfiguration
            made.append(DeviceAllocationConfiguration(source="FromClass", requests=requests, deviceConfiguration=given))
    names = frozenset[str]().union(*(each.names for each in chosen))
    for own in claim.claim.spec.devices.config:
        if not own.requests or not names.isdisjoint(own.requests):
            given = own.deviceConfiguration
            made.append(
                DeviceAllocationConfiguration(source="FromClaim", requests=own.requests, deviceConfiguration=given)
            )
    for one in made:
        if len(one.requests) == len(claim.requests):
            del one.requests[:]
    return made


def _node_selector(devices: Iterable[OfferedDevice], node: TargetNode) -> NodeSelector | None:
    """Where all of the devices can be reached; None when that is everywhere."""
    selector = NodeSelector()
    term = selector.nodeSelectorTerms.add()
    for device in devices:
        if device.reach.node_name or device.device.bindsToNode:
            only = NodeSelector()
            only.nodeSelectorTerms.add().matchFields.add(key=NAME_FIELD, operator="In", values=[node.name])
            return only
        for given in device.reach.selector.nodeSelectorTerms if device.reach.selector is not None else ():
            term.matchFields.extend(_new(given.matchFields, term.matchFields))
            term.matchExpressions.extend(_new(given.matchExpressions, term.matchExpressions))
    return selector if term.matchFields or term.matchExpressions else None


def _new(
    given: Iterable[NodeSelectorRequirement], known: Iterable[NodeSelectorRequirement]
) -> list[NodeSelectorRequirement]:
    there = {_identity(each) for each in known}
    return [each for each in given if _identity(each) not in there]


def _identity(requirement: NodeSelectorRequirement) -> tuple[str, str, frozenset[str]]:
    return requirement.key, requirement.operator, frozenset(requirement.values)
