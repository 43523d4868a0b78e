"""Which families of addresses a Service has: what its author left open is decided, and what cannot be is told. Pure.

https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services; decided in the order and the words of
Kubernetes (pkg/registry/core/service/storage/alloc.go).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from podlab.api.values.ipfamilies import IPV4, IPV6, family_of
from podlab.core.v1.service_pb2 import Service, ServiceSpec
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.network.servicefamilies import (
    HEADLESS,
    PREFER_DUAL,
    REQUIRE_DUAL,
    SINGLE,
    check_families,
)

_POLICY = "spec.ipFamilyPolicy"


def decide(found: Findings, service: Service, old: Service | None, families: Sequence[str]) -> None:
    """Completes policy and families; `families` are those of the cluster, the default first.

    What is found wrong means that nothing may be allocated.
    """
    spec, before = service.spec, old.spec if old is not None and old.spec.type != "ExternalName" else None
    if spec.type == "ExternalName" or (before is not None and _stays(spec, before)):
        return
    _decide_policy(spec, before)
    # Each is asked only if all is well with what was asked before.
    asked: tuple[Callable[[], None], ...] = (
        lambda: check_families(found, spec),
        lambda: _fit_policy(found, spec, before),
        lambda: _families_of_addresses(found, spec, families),
        lambda: _fit_cluster(found, spec, families),
    )
    for ask in asked:
        ask()
        if found.count:
            return


def _stays(spec: ServiceSpec, before: ServiceSpec) -> bool:
    """A Service that prefers two families gains and loses none because its cluster did."""
    return (
        spec.ipFamilyPolicy == before.ipFamilyPolicy == PREFER_DUAL
        and spec.type == before.type
        and spec.clusterIPs == before.clusterIPs
        and spec.ipFamilies == before.ipFamilies
    )


def _decide_policy(spec: ServiceSpec, before: ServiceSpec | None) -> None:
    if spec.HasField("ipFamilyPolicy"):
        return
    if before is not None and before.HasField("ipFamilyPolicy"):
        spec.ipFamilyPolicy = before.ipFamilyPolicy
    elif spec.clusterIP == HEADLESS and not spec.selector:
        spec.ipFamilyPolicy = REQUIRE_DUAL
    else:
        spec.ipFamilyPolicy = SINGLE


def _take_back(found: Findings, spec: ServiceSpec, before: ServiceSpec) -> None:
    """The second family goes when the author says so; the first one always stays."""
    if spec.ipFamilyPolicy == SINGLE:
        if spec.clusterIPs == before.clusterIPs:
            del spec.clusterIPs[1:]
        if spec.ipFamilies == before.ipFamilies:
            del spec.ipFamilies[1:]
        return
    for what, now, were in (
        ("cluster IP", spec.clusterIPs, before.clusterIPs),
        ("IP family", spec.ipFamilies, before.ipFamilies),
    ):
        if len(were) == 2 and len(now) == 1:
            found.invalid(_POLICY, spec.ipFamilyPolicy, f"must be 'SingleStack' to release the secondary {what}")


def _fit_policy(found: Findings, spec: ServiceSpec, before: ServiceSpec | None) -> None:
    if before is not None:
        _take_back(found, spec, before)
    if spec.ipFamilyPolicy != SINGLE:
        return
    rule = "must be 'RequireDualStack' or 'PreferDualStack' when multiple {} are specified"
    if len(spec.clusterIPs) == 2:
        found.invalid(_POLICY, spec.ipFamilyPolicy, rule.format("cluster IPs"))
    if len(spec.ipFamilies) == 2:
        found.invalid(_POLICY, spec.ipFamilyPolicy, rule.format("IP families"))


def _families_of_addresses(found: Findings, spec: ServiceSpec, families: Sequence[str]) -> None:
    """Whoever asks for an address means its family."""
    for index, address in enumerate(spec.clusterIPs):
        if address == HEADLESS or index < len(spec.ipFamilies):
            continue
        family = family_of(address)
        if family in families:
            spec.ipFamilies.append(family)
        else:
            rule = f"{family} is not configured on this cluster"
            found.invalid(f"spec.clusterIPs[{index}]", list(spec.clusterIPs), rule)


def _fit_cluster(found: Findings, spec: ServiceSpec, families: Sequence[str]) -> None:
    """Completes what fits the cluster."""
    if spec.clusterIP == HEADLESS and not spec.selector:
        # Whoever keeps such a Service's endpoints knows of which families they are.
        _complete(spec, (IPV4, IPV6), families[0])
        return
    if spec.ipFamilyPolicy == REQUIRE_DUAL and len(families) < 2:
        found.invalid(_POLICY, spec.ipFamilyPolicy, "this cluster is not configured for dual-stack services")
    for index, family in enumerate(spec.ipFamilies):
        if family not in families:
            found.invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")
    _complete(spec, families, families[0])


def _complete(spec: ServiceSpec, families: Sequence[str], default: str) -> None:
    if not spec.ipFamilies:
        spec.ipFamilies.append(default)
    if spec.ipFamilyPolicy != SINGLE and len(spec.ipFamilies) == 1:
        spec.ipFamilies.extend(family for family in families if family != spec.ipFamilies[0])
