"""ResourceClaims and what they are made from: what is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from podlab.kinds.validation import syntax
from podlab.kinds.validation.devices.parts import (
    check_amount,
    check_attribute_name,
    check_configuration,
    check_different,
    check_name,
    check_selectors,
    check_tolerations,
    fits,
)
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_annotations, check_labels
from podlab.resource.v1 import resourceclaim_pb2 as pb

_MOST_ALTERNATIVES = 8
_MOST_TOLERATIONS = 16
_MODES = ("All", "ExactCount")
_ONE_OF_TWO = "exactly one of `exactly` or `firstAvailable` is required"
_ONE_CONSTRAINT = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
_KNOWN = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"


def check_new_claim(found: Findings, claim: pb.ResourceClaim) -> None:
    """A ResourceClaim that there was not."""
    _check_spec(found, "spec.devices", claim.spec.devices)


def check_claim_update(found: Findings, new: pb.ResourceClaim, old: pb.ResourceClaim) -> None:
    """What was asked for may have been given."""
    found.immutable("spec", new.spec, old.spec, None)


def check_new_template(found: Findings, template: pb.ResourceClaimTemplate) -> None:
    """A ResourceClaimTemplate that there was not."""
    check_labels(found, "spec.metadata.labels", template.spec.metadata.labels)
    check_annotations(found, "spec.metadata.annotations", template.spec.metadata.annotations)
    _check_spec(found, "spec.spec.devices", template.spec.spec.devices)


def check_template_update(found: Findings, new: pb.ResourceClaimTemplate, old: pb.ResourceClaimTemplate) -> None:
    """Claims have been made from it."""
    found.immutable("spec", new.spec, old.spec, None)


def request_names(claim: pb.DeviceClaim) -> frozenset[str]:
    """What requests, and parts of them, are referred to by."""
    parts = {f"{request.name}/{part.name}" for request in claim.requests for part in request.firstAvailable}
    return frozenset(parts | {request.name for request in claim.requests})


def check_references(found: Findings, field: str, given: Sequence[str], names: frozenset[str]) -> None:
    """Requests by their names, each once."""
    if fits(found, field, given):
        for index, name in enumerate(given):
            check_reference(found, f"{field}[{index}]", name, names)
        check_different(found, field, given)


def check_reference(found: Findings, field: str, name: str, names: frozenset[str]) -> None:
    """A request, or one of its alternatives."""
    segments = name.split("/")
    if len(segments) <= 2:
        for segment in segments:
            check_name(found, field, segment)
    if name not in names:
        found.invalid(field, name, _KNOWN)


def _check_spec(found: Findings, field: str, claim: pb.DeviceClaim) -> None:
    names = request_names(claim)
    if fits(found, f"{field}.requests", claim.requests):
        for index, request in enumerate(claim.requests):
            _check_request(found, f"{field}.requests[{index}]", request)
        check_different(found, f"{field}.requests", [request.name for request in claim.requests])
    if fits(found, f"{field}.constraints", claim.constraints):
        for index, constraint in enumerate(claim.constraints):
            _check_constraint(found, f"{field}.constraints[{index}]", constraint, names)
    if fits(found, f"{field}.config", claim.config):
        for index, config in enumerate(claim.config):
            where = f"{field}.config[{index}]"
            check_references(found, f"{where}.requests", config.requests, names)
            check_configuration(found, where, config.deviceConfiguration)


def _check_request(found: Findings, field: str, request: pb.DeviceRequest) -> None:
    check_name(found, f"{field}.name", request.name)
    exactly, several = request.HasField("exactly"), bool(request.firstAvailable)
    if not exactly and not several:
        found.required(field, _ONE_OF_TWO)
    elif exactly and several:
        found.invalid(field, None, f"{_ONE_OF_TWO}, but multiple fields are set")
    elif exactly:
        _check_asked(found, f"{field}.exactly", request.exactly)
    elif fits(found, f"{field}.firstAvailable", request.firstAvailable, _MOST_ALTERNATIVES):
        for index, part in enumerate(request.firstAvailable):
            check_name(found, f"{field}.firstAvailable[{index}].name", part.name)
            _check_asked(found, f"{field}.firstAvailable[{index}]", part)
        check_different(found, f"{field}.firstAvailable", [part.name for part in request.firstAvailable])


def _check_asked(found: Findings, field: str, asked: pb.ExactDeviceRequest | pb.DeviceSubRequest) -> None:
    if asked.deviceClassName:
        name = asked.deviceClassName
        found.invalid(f"{field}.deviceClassName", name, *syntax.subdomain(name))
    else:
        found.required(f"{field}.deviceClassName")
    check_selectors(found, f"{field}.selectors", asked.selectors)
    if asked.allocationMode not in _MODES:
        found.unsupported(f"{field}.allocationMode", asked.allocationMode, _MODES)
    if asked.allocationMode == "All" and asked.count:
        found.invalid(f"{field}.count", asked.count, "must not be specified when allocationMode is 'All'")
    if asked.allocationMode == "ExactCount" and asked.count <= 0:
        found.invalid(f"{field}.count", asked.count, "must be greater than zero")
    if fits(found, f"{field}.tolerations", asked.tolerations, _MOST_TOLERATIONS):
        check_tolerations(found, f"{field}.tolerations", asked.tolerations)
    for name, wanted in sorted(asked.capacity.requests.items()):
        check_amount(found, f"{field}.capacity.requests[{name}]", wanted)


def _check_constraint(found: Findings, field: str, constraint: pb.DeviceConstraint, names: frozenset[str]) -> None:
    check_references(found, f"{field}.requests", constraint.requests, names)
    if constraint.HasField("matchAttribute"):
        check_attribute_name(found, f"{field}.matchAttribute", constraint.matchAttribute)
    elif constraint.HasField("distinctAttribute"):
        check_attribute_name(found, f"{field}.distinctAttribute", constraint.distinctAttribute)
    else:
        found.required(field, _ONE_CONSTRAINT)
