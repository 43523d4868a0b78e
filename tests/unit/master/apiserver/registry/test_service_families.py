"""Families of Services on clusters of one and of both, as Kubernetes decides them."""

from __future__ import annotations

import random
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from podlab_testing.builtin_kinds import apply_defaults

from master.apiserver.registry.allocation import ServiceAllocator
from podlab.api.values.ipfamilies import family_of
from podlab.core.v1.service_pb2 import Service
from podlab.errors import Invalid
from podlab.kinds.defaults.service import keep_allocated
from podlab.meta.v1.meta_pb2 import ObjectMeta

V4, V6 = "10.96.0.0/24", "fd00:10:96::/112"
SINGLE, SINGLE6, DUAL, DUAL6 = (V4,), (V6,), (V4, V6), (V6, V4)


def service(**spec: Any) -> Service:
    made = Service(metadata=ObjectMeta(name="web", namespace="default"), spec={"selector": {"app": "web"}, **spec})
    apply_defaults(made)
    return made


def allocated(networks: tuple[str, ...], new: Service, old: Service | None = None) -> Service:
    """The Service as it is stored. Raises Invalid."""
    allocator = ServiceAllocator(
        lambda: [ip_network(each) for each in networks],
        families=[family_of(each) for each in networks],
        addresses=lambda: frozenset(),
        ports=lambda: frozenset(),
        chance=random.Random(1),
    )
    if old is not None:
        keep_allocated(new, old)
    allocator.allocate(new, old)
    families = [family_of(address) for address in new.spec.clusterIPs if address != "None"]
    assert families in ([], list(new.spec.ipFamilies)), new.spec
    assert new.spec.clusterIP == (new.spec.clusterIPs[0] if new.spec.clusterIPs else "")
    assert all(
        any(ip_address(each) in ip_network(one) for one in networks) for each in new.spec.clusterIPs if each != "None"
    )
    return new


@pytest.mark.parametrize(
    ("networks", "asked", "policy", "families"),
    [
        (SINGLE, {}, "SingleStack", ["IPv4"]),
        (SINGLE6, {}, "SingleStack", ["IPv6"]),
        (DUAL, {}, "SingleStack", ["IPv4"]),
        (DUAL6, {}, "SingleStack", ["IPv6"]),
        (DUAL, {"ipFamilies": ["IPv6"]}, "SingleStack", ["IPv6"]),
        (SINGLE, {"ipFamilyPolicy": "PreferDualStack"}, "PreferDualStack", ["IPv4"]),
        (DUAL, {"ipFamilyPolicy": "PreferDualStack"}, "PreferDualStack", ["IPv4", "IPv6"]),
        (DUAL6, {"ipFamilyPolicy": "PreferDualStack"}, "PreferDualStack", ["IPv6", "IPv4"]),
        (DUAL, {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6"]}, "RequireDualStack", ["IPv6", "IPv4"]),
        (DUAL, {"clusterIP": "fd00:10:96::7"}, "SingleStack", ["IPv6"]),
        (DUAL, {"clusterIP": "None"}, "SingleStack", ["IPv4"]),
        (DUAL, {"clusterIP": "None", "ipFamilyPolicy": "PreferDualStack"}, "PreferDualStack", ["IPv4", "IPv6"]),
        (SINGLE, {"clusterIP": "None", "selector": {}}, "RequireDualStack", ["IPv4", "IPv6"]),
        (SINGLE, {"clusterIP": "None", "selector": {}, "ipFamilyPolicy": "SingleStack"}, "SingleStack", ["IPv4"]),
        (DUAL, {"type": "ExternalName", "externalName": "db.example"}, "", []),
    ],
)
def test_what_is_left_open_is_decided_by_the_cluster(
    networks: tuple[str, ...], asked: dict[str, Any], policy: str, families: list[str]
) -> None:
    made = allocated(networks, service(**asked))
    assert (made.spec.ipFamilyPolicy, list(made.spec.ipFamilies)) == (policy, families)


@pytest.mark.parametrize(
    ("networks", "asked", "told"),
    [
        (SINGLE, {"ipFamilyPolicy": "RequireDualStack"}, "this cluster is not configured for dual-stack services"),
        (SINGLE, {"ipFamilies": ["IPv6"]}, r"spec.ipFamilies\[0\]: Invalid value: \"IPv6\": not configured on this"),
        (SINGLE, {"clusterIP": "fd00::7"}, "IPv6 is not configured on this cluster"),
        (DUAL, {"ipFamilies": ["IPv4", "IPv6"]}, "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP fa"),
        (DUAL, {"clusterIP": "10.97.0.1"}, r"not in the valid range. The range of valid IPs is 10\.96\.0\.0/24$"),
        (DUAL, {"clusterIP": "fd00:10:96::"}, "the network's own"),
    ],
)
def test_what_the_cluster_cannot_give_is_refused(networks: tuple[str, ...], asked: dict[str, Any], told: str) -> None:
    with pytest.raises(Invalid, match=told):
        allocated(networks, service(**asked))


def test_a_second_family_comes_and_goes_with_the_policy_and_the_first_stays() -> None:
    first = allocated(DUAL, service())
    both = allocated(DUAL, service(ipFamilyPolicy="PreferDualStack"), first)
    assert (both.spec.clusterIPs[0], list(both.spec.ipFamilies)) == (first.spec.clusterIP, ["IPv4", "IPv6"])
    again = allocated(DUAL, service(), both)
    assert (list(again.spec.clusterIPs), again.spec.ipFamilyPolicy) == (list(both.spec.clusterIPs), "PreferDualStack")
    back = Service()
    back.CopyFrom(both)
    back.spec.ipFamilyPolicy = "SingleStack"
    allocated(DUAL, back, both)
    assert (list(back.spec.clusterIPs), list(back.spec.ipFamilies)) == ([first.spec.clusterIP], ["IPv4"])


def test_a_second_family_goes_only_when_the_policy_says_so() -> None:
    both = allocated(DUAL, service(ipFamilyPolicy="RequireDualStack"))
    with pytest.raises(Invalid, match="must be 'SingleStack' to release the secondary cluster IP"):
        allocated(DUAL, service(clusterIP=both.spec.clusterIP, ipFamilyPolicy="RequireDualStack",
                                clusterIPs=[both.spec.clusterIP]), both)  # fmt: skip


def test_a_service_that_prefers_two_families_changes_nothing_because_the_cluster_does() -> None:
    made = allocated(SINGLE, service(ipFamilyPolicy="PreferDualStack"))
    same = Service()
    same.CopyFrom(made)
    assert list(allocated(DUAL, same, made).spec.ipFamilies) == ["IPv4"]


def test_a_large_network_of_ipv6_gives_addresses() -> None:
    made = allocated(("fd00:10:96::/48",), service())
    assert ip_address(made.spec.clusterIP) in ip_network("fd00:10:96::/48")
