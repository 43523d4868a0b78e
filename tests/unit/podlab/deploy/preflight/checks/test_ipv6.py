"""Inventories of both families, and hosts that can or cannot serve them."""

from dataclasses import replace
from ipaddress import IPv6Interface
from typing import Any

import pytest
from podlab_testing.preflight_facts import FACTS

from podlab.deploy.preflight.checks.ipv6 import check_ipv6
from podlab.deploy.preflight.checks.requirements import VariableError, networks
from podlab.deploy.preflight.hosts.facts import Host

PODS, SERVICES = "10.244.0.0/16,fd00:10:244::/56", "10.96.0.0/16,fd00:10:96::/112"
REACHED = (IPv6Interface("fd00:10:99::21/64"), "eth0")
OWN = (REACHED, (IPv6Interface("fe80::21/64"), "eth0"))


def node(**variables: Any) -> Host:
    asked = {"podlab_pod_cidr": PODS, "podlab_service_cidr": SERVICES, **variables}
    return Host(name="n1", groups=frozenset({"nodes"}), variables=asked)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"podlab_service_cidr": "10.96.0.0/16"}, "of both families is either none or each"),
        ({"podlab_pod_cidr": "fd00:10:244::/56,10.244.0.0/16"}, "podlab_pod_cidr is .*that of IPv4 comes first"),
        ({"podlab_pod_cidr": "10.244.0.0/16,10.1.0.0/16"}, "one of IPv4 and one of IPv6 with a comma between"),
        ({"podlab_pod_cidr": "10.244.0.0/16,fd00::/32"}, "fd00::/32: each node gets a /64 of it"),
        ({"podlab_service_cidr": "10.96.0.0/16,fd00::/64"}, "fd00::/64, which is too large: /108 is the largest"),
        ({"podlab_service_cidr": "10.0.0.0/8,fd00::/112"}, "10.0.0.0/8, which is too large: /12 is the largest"),
        ({"podlab_pod_cidr": "10.244.0.0/16,fd00::1/56"}, "has host bits set"),
        ({"podlab_pod_cidr": "10.244.0.0/16,fe80::/56"}, "podlab_pod_cidr has fe80::/56, which overlaps link-local"),
        ({"podlab_service_cidr": "10.96.0.0/16,fd00::/125"}, "fd00::/125, which is too small: /124 is the smallest"),
    ],
)
def test_networks_that_cannot_be_used_are_told_by_variable_and_value(variables: dict[str, str], told: str) -> None:
    with pytest.raises(VariableError, match=told):
        networks(node(**variables))


@pytest.mark.parametrize(
    ("host", "ipv6", "told"),
    [
        (node(), OWN, ""),
        (node(podlab_address_ipv6="fd00:10:99::21"), OWN, ""),
        (Host(name="n1", groups=frozenset({"nodes"})), None, ""),
        (node(), None, "its kernel was started without IPv6"),
        (node(), (REACHED,), "eth0 has no link-local address of IPv6"),
        (node(), OWN[1:], "it has no address of IPv6 at which other hosts could reach it"),
        (node(), (), "it has no address of IPv6 at which other hosts could reach it"),
        (node(), ((IPv6Interface("fd00:10:244::1/64"), "podlab0"),), "it has no address of IPv6"),
        (node(podlab_address_ipv6="fd00::1"), OWN, "podlab_address_ipv6 is fd00::1, which is none of its addresses"),
        (
            node(),
            (*OWN, (IPv6Interface("fd00:10:96::5/64"), "eth1"), (IPv6Interface("fe80::5/64"), "eth1")),
            "its network fd00:10:96::/64 on eth1 overlaps podlab_service_cidr fd00:10:96::/112",
        ),
    ],
)
def test_what_a_host_lacks_is_told_with_a_remedy(host: Host, ipv6: Any, told: str) -> None:
    found = list(check_ipv6([host], {"n1": replace(FACTS, ipv6=ipv6)}))
    assert [told in each.cause for each in found] == ([True] if told else [])
    assert all(each.remedy for each in found)
