"""The addresses of Services, and the families that they are of.

https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services
"""

from podlab.api.values.ipfamilies import FAMILIES, family_of
from podlab.core.v1.service_pb2 import ServiceSpec
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings

HEADLESS = "None"
SINGLE, PREFER_DUAL, REQUIRE_DUAL = "SingleStack", "PreferDualStack", "RequireDualStack"

_ADDRESSES, _FAMILIES, _POLICY = "spec.clusterIPs", "spec.ipFamilies", "spec.ipFamilyPolicy"
_MOST = 2


def check_families(found: Findings, spec: ServiceSpec) -> None:
    """Of a Service that is no ExternalName. What is left open is the allocator's to decide."""
    addresses = list(spec.clusterIPs)
    if spec.clusterIP and not addresses:
        found.required(_ADDRESSES)
    elif spec.clusterIP and addresses[0] != spec.clusterIP:
        found.invalid(_ADDRESSES, addresses, "first value must match `clusterIP`")
    elif addresses and not spec.clusterIP:
        found.invalid(_ADDRESSES, addresses, "must be empty when `clusterIP` is not specified")
    for index, family in enumerate(spec.ipFamilies):
        if family not in FAMILIES:
            found.unsupported(f"{_FAMILIES}[{index}]", family, FAMILIES)
        if family in spec.ipFamilies[:index]:
            found.duplicate(f"{_FAMILIES}[{index}]", family)
    if spec.HasField("ipFamilyPolicy") and spec.ipFamilyPolicy not in (SINGLE, PREFER_DUAL, REQUIRE_DUAL):
        found.unsupported(_POLICY, spec.ipFamilyPolicy, (PREFER_DUAL, REQUIRE_DUAL, SINGLE))
    _check_addresses(found, spec, addresses)


def check_families_update(found: Findings, new: ServiceSpec, old: ServiceSpec) -> None:
    """Clients hold on to an address, so the first one stays for the life of the Service; a second comes and goes."""
    if "ExternalName" in (new.type, old.type):
        return
    new_headless, old_headless = (list(each.clusterIPs) == [HEADLESS] for each in (new, old))
    if not (new_headless and old_headless):
        _check_kept(found, _ADDRESSES, list(new.clusterIPs), list(old.clusterIPs), new.ipFamilyPolicy)
    if not new_headless and not old_headless:
        _check_kept(found, _FAMILIES, list(new.ipFamilies), list(old.ipFamilies), new.ipFamilyPolicy)


def _check_addresses(found: Findings, spec: ServiceSpec, addresses: list[str]) -> None:
    before = found.count
    for index, address in enumerate(addresses):
        if index == 0 and address == HEADLESS:
            if len(addresses) > 1:
                found.invalid(_ADDRESSES, addresses, "'None' must be the first and only value")
            continue
        found.invalid(f"{_ADDRESSES}[{index}]", address, *syntax.ip_address(address))
    if len(addresses) > _MOST:
        found.invalid(_ADDRESSES, addresses, "may only hold up to 2 values")
    if found.count > before:
        return
    if len(addresses) > 1 and len(set(map(family_of, addresses))) == 1:
        found.invalid(_ADDRESSES, addresses, "may specify no more than one IP for each IP family")
    for index, (address, family) in enumerate(zip(addresses, spec.ipFamilies, strict=False)):
        if address != HEADLESS and family in FAMILIES and family_of(address) != family:
            rule = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
            found.invalid(f"{_ADDRESSES}[{index}]", address, rule)


def _check_kept(found: Findings, field: str, now: list[str], before: list[str], policy: str) -> None:
    if before and now[:1] != before[:1]:
        found.invalid(f"{field}[0]", now, "may not change once set")
    elif len(now) == len(before) and now != before:
        found.invalid(f"{field}[1]", now, "may not change once set")
    if len(now) < len(before) and policy != SINGLE:
        what = "clusterIP" if field == _ADDRESSES else "ipFamily"
        found.invalid(_POLICY, policy, f"must be set to 'SingleStack' when releasing the secondary {what}")
