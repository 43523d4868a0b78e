"""A pod's claims of devices, which of them its containers use, and the claims that were made for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from podlab.core.v1 import pod_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

_NOT_BOTH = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
_ONE = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"


def check_pod_claims(found: Findings, field: str, claims: Iterable[pod_pb2.PodResourceClaim]) -> frozenset[str]:
    """Check all claims; return what containers call them by."""
    names: set[str] = set()
    for index, claim in enumerate(claims):
        where = f"{field}[{index}]"
        if not claim.name:
            found.required(f"{where}.name")
        elif claim.name in names:
            found.duplicate(f"{where}.name", claim.name)
        else:
            found.invalid(f"{where}.name", claim.name, *syntax.label(claim.name))
        names.add(claim.name)
        _check_source(found, where, claim)
    return frozenset(names - {""})


def check_made_claim_names(found: Findings, pod: pod_pb2.Pod) -> None:
    """What claims made for the pod would begin with has to be a name."""
    for index, claim in enumerate(pod.spec.resourceClaims):
        if claim.HasField("resourceClaimTemplateName") and not syntax.label(claim.name) and pod.metadata.name:
            name = f"{pod.metadata.name}-{claim.name}"
            wrong = [f"final ResourceClaim name: {why}" for why in syntax.subdomain(name)]
            found.invalid(f"spec.resourceClaims[{index}].name", name, *wrong)


def check_used_claims(
    found: Findings, field: str, used: Iterable[pod_pb2.ResourceClaim], names: Collection[str]
) -> None:
    """What a container uses: claims of the pod, `names`; each as a whole, or requests of it, but not both."""
    whole: set[str] = set()
    parts: set[tuple[str, str]] = set()
    for index, claim in enumerate(used):
        where = f"{field}[{index}]"
        if not claim.name:
            found.required(where)
            continue
        _check_repeated(found, where, claim, whole, parts)
        if claim.name not in names:
            known = f": {', '.join(sorted(names))}" if names else " which is empty"
            found.not_found(where, claim.name, f"must be one of the names in pod.spec.resourceClaims{known}")


def check_made_claims(found: Findings, pod: pod_pb2.Pod) -> None:
    """What the pod's status says of the claims that were made for it."""
    told: set[str] = set()
    known = {claim.name for claim in pod.spec.resourceClaims}
    for index, made in enumerate(pod.status.resourceClaimStatuses):
        where = f"status.resourceClaimStatuses[{index}].name"
        if made.name not in known:
            found.invalid(where, made.name, "must match the name of an entry in `spec.resourceClaims`")
        if made.name in told:
            found.duplicate(where, made.name)
        told.add(made.name)
        if made.HasField("resourceClaimName"):
            found.invalid(where, made.resourceClaimName, *syntax.subdomain(made.resourceClaimName))


def _check_source(found: Findings, field: str, claim: pod_pb2.PodResourceClaim) -> None:
    given = {descriptor.name: value for descriptor, value in claim.ListFields() if descriptor.name != "name"}
    if len(given) > 1:
        found.breaks(field, _NOT_BOTH)
    if not given:
        found.breaks(field, _ONE)
    for name, value in given.items():
        found.invalid(f"{field}.{name}", value, *syntax.subdomain(value))


def _check_repeated(
    found: Findings, field: str, claim: pod_pb2.ResourceClaim, whole: set[str], parts: set[tuple[str, str]]
) -> None:
    if claim.request:
        found.invalid(f"{field}.request", claim.request, *syntax.label(claim.request))
    part = (claim.name, claim.request)
    if claim.name in whole:
        found.duplicate(field, claim.name)
    elif claim.request and part in parts:
        found.duplicate(field, "/".join(part))
    elif not claim.request and any(name == claim.name for name, _ in parts):
        found.duplicate(field, claim.name)
    if claim.request:
        parts.add(part)
    else:
        whole.add(claim.name)
