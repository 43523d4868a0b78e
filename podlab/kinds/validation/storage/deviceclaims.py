"""Claims of devices: what is asked for, and what was given."""

from __future__ import annotations

from collections.abc import Sequence

from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_annotations, check_labels
from podlab.kinds.validation.pods.placement import check_node_selector
from podlab.kinds.validation.storage.csi import check_driver_name
from podlab.kinds.validation.storage.devices import (
    MOST_OF_EACH,
    check_attribute_name,
    check_configuration,
    check_different,
    check_name,
    check_object,
    check_pool_name,
    check_selectors,
    check_tolerations,
)
from podlab.resource.v1 import resourceclaim_pb2 as pb

_MOST_ALTERNATIVES = 8
_MOST_CONSUMERS = 256
_MODES = ("All", "ExactCount")
_ONE_OF_TWO = "exactly one of `exactly` or `firstAvailable` is required"
_ONE_CONSTRAINT = 'exactly one of "matchAttribute" or "distinctAttribute" is required'
_KNOWN = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"


def check_claim(found: Findings, claim: pb.ResourceClaim) -> None:
    """A ResourceClaim, whichever way it comes."""
    _check_spec(found, "spec.devices", claim.spec.devices)


def check_claim_update(found: Findings, new: pb.ResourceClaim, old: pb.ResourceClaim) -> None:
    """What was asked for may have been given."""
    found.immutable("spec", new.spec, old.spec, None)


def check_template(found: Findings, template: pb.ResourceClaimTemplate) -> None:
    """A ResourceClaimTemplate, whichever way it comes."""
    check_labels(found, "spec.metadata.labels", template.spec.metadata.labels)
    check_annotations(found, "spec.metadata.annotations", template.spec.metadata.annotations)
    _check_spec(found, "spec.spec.devices", template.spec.spec.devices)


def check_template_update(found: Findings, new: pb.ResourceClaimTemplate, old: pb.ResourceClaimTemplate) -> None:
    """Claims have been made from it."""
    found.immutable("spec", new.spec, old.spec, None)


def check_claim_status(found: Findings, claim: pb.ResourceClaim) -> None:
    """What was given, and to whom."""
    status, names = claim.status, _names(claim.spec.devices)
    found.too_many("status.reservedFor", len(status.reservedFor), _MOST_CONSUMERS)
    check_different(found, "status.reservedFor", [one.uid for one in status.reservedFor], "uid")
    for index, consumer in enumerate(status.reservedFor):
        for name in ("resource", "name", "uid"):
            if not getattr(consumer, name):
                found.required(f"status.reservedFor[{index}].{name}")
    if status.reservedFor and not status.HasField("allocation"):
        found.forbidden("status.reservedFor", "may not be specified when `allocated` is not set")
    for index, result in enumerate(status.allocation.devices.results):
        _check_result(found, f"status.allocation.devices.results[{index}]", result, names)
    for index, config in enumerate(status.allocation.devices.config):
        where = f"status.allocation.devices.config[{index}]"
        found.one_of(f"{where}.source", config.source, ("FromClaim", "FromClass"))
        _check_references(found, f"{where}.requests", config.requests, names)
        check_configuration(found, where, config.deviceConfiguration)
    if status.allocation.HasField("nodeSelector"):
        check_node_selector(found, "status.allocation.nodeSelector", status.allocation.nodeSelector)
    _check_devices(found, status)


def _check_devices(found: Findings, status: pb.ResourceClaimStatus) -> None:
    given = {(one.driver, one.pool, one.device, one.shareID) for one in status.allocation.devices.results}
    for index, device in enumerate(status.devices):
        where = f"status.devices[{index}]"
        if (device.driver, device.pool, device.device, device.shareID) not in given:
            found.invalid(where, device.device, "must be an allocated device in the claim")
        check_object(found, f"{where}.data", device.data, required=False)


def _check_spec(found: Findings, field: str, claim: pb.DeviceClaim) -> None:
    for name, count in (("requests", claim.requests), ("constraints", claim.constraints), ("config", claim.config)):
        found.too_many(f"{field}.{name}", len(count), MOST_OF_EACH)
    check_different(found, f"{field}.requests", [request.name for request in claim.requests])
    names = _names(claim)
    for index, request in enumerate(claim.requests):
        _check_request(found, f"{field}.requests[{index}]", request)
    for index, constraint in enumerate(claim.constraints):
        _check_constraint(found, f"{field}.constraints[{index}]", constraint, names)
    for index, config in enumerate(claim.config):
        where = f"{field}.config[{index}]"
        _check_references(found, f"{where}.requests", config.requests, names)
        check_configuration(found, where, config.deviceConfiguration)


def _names(claim: pb.DeviceClaim) -> frozenset[str]:
    """What requests, and parts of them, are referred to by."""
    parts = {f"{request.name}/{part.name}" for request in claim.requests for part in request.firstAvailable}
    return frozenset(parts | {request.name for request in claim.requests})


def _check_request(found: Findings, field: str, request: pb.DeviceRequest) -> None:
    check_name(found, f"{field}.name", request.name)
    exactly, several = request.HasField("exactly"), bool(request.firstAvailable)
    if not exactly and not several:
        found.required(field, _ONE_OF_TWO)
    elif exactly and several:
        found.invalid(field, None, f"{_ONE_OF_TWO}, but multiple fields are set")
    elif exactly:
        _check_asked(found, f"{field}.exactly", request.exactly)
    else:
        where = f"{field}.firstAvailable"
        found.too_many(where, len(request.firstAvailable), _MOST_ALTERNATIVES)
        check_different(found, where, [part.name for part in request.firstAvailable])
        for index, part in enumerate(request.firstAvailable):
            check_name(found, f"{where}[{index}].name", part.name)
            _check_asked(found, f"{where}[{index}]", part)


def _check_asked(found: Findings, field: str, asked: pb.ExactDeviceRequest | pb.DeviceSubRequest) -> None:
    if asked.deviceClassName:
        name = asked.deviceClassName
        found.invalid(f"{field}.deviceClassName", name, *syntax.subdomain(name))
    else:
        found.required(f"{field}.deviceClassName")
    check_selectors(found, f"{field}.selectors", asked.selectors)
    found.one_of(f"{field}.allocationMode", asked.allocationMode, _MODES)
    if asked.allocationMode == "All" and asked.count:
        found.invalid(f"{field}.count", asked.count, "must not be specified when allocationMode is 'All'")
    if asked.allocationMode == "ExactCount" and asked.count <= 0:
        found.invalid(f"{field}.count", asked.count, "must be greater than zero")
    check_tolerations(found, f"{field}.tolerations", asked.tolerations)


def _check_constraint(found: Findings, field: str, constraint: pb.DeviceConstraint, names: frozenset[str]) -> None:
    _check_references(found, f"{field}.requests", constraint.requests, names)
    given = [name for name in ("matchAttribute", "distinctAttribute") if getattr(constraint, name)]
    if len(given) != 1:
        found.required(field, f"{_ONE_CONSTRAINT}, but multiple fields are set")
    for name in given:
        check_attribute_name(found, f"{field}.{name}", getattr(constraint, name))


def _check_references(found: Findings, field: str, given: Sequence[str], names: frozenset[str]) -> None:
    found.too_many(field, len(given), MOST_OF_EACH)
    check_different(found, field, list(given))
    for index, name in enumerate(given):
        if name not in names:
            found.invalid(f"{field}[{index}]", name, _KNOWN)


def _check_result(found: Findings, field: str, result: pb.DeviceRequestAllocationResult, names: frozenset[str]) -> None:
    if result.request not in names:
        found.invalid(f"{field}.request", result.request, _KNOWN)
    check_driver_name(found, f"{field}.driver", result.driver)
    check_pool_name(found, f"{field}.pool", result.pool)
    check_name(found, f"{field}.device", result.device)
