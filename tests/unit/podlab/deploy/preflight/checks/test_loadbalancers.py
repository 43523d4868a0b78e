from dataclasses import replace
from ipaddress import IPv4Network, IPv6Interface
from typing import Any

import pytest
from podlab_testing.preflight_facts import FACTS

from podlab.deploy.preflight.checks.loadbalancers import check_pool, check_pool_on_hosts
from podlab.deploy.preflight.hosts.facts import Facts, Host, Subnet

NEAR = Subnet(IPv4Network("192.0.2.0/24"), "eth0", address="192.0.2.21")


def hosts(*pool: object, **more: Any) -> list[Host]:
    variables = {"ansible_host": "192.0.2.21", "podlab_load_balancer_pool": list(pool), **more}
    return [Host(name="n1", groups=frozenset({"nodes"}), variables=variables)]


def fact(*subnets: Subnet) -> Facts:
    return replace(FACTS, subnets=subnets)


@pytest.mark.parametrize(
    ("pool", "cause"),
    [
        (["192.0.2.300"], "podlab_load_balancer_pool: '192.0.2.300': "),
        ([7], "podlab_load_balancer_pool: '7': "),
        (
            ["10.244.3.1-10.244.3.9"],
            "podlab_load_balancer_pool (10.244.3.1-10.244.3.9) and podlab_pod_cidr 10.244.0.0/16",
        ),
        (["10.96.9.0/28"], "podlab_load_balancer_pool (10.96.9.0/28) and podlab_service_cidr 10.96.0.0/16 overlap"),
        (["192.0.2.20-192.0.2.30"], "its address 192.0.2.21 is in podlab_load_balancer_pool (192.0.2.20-192.0.2.30)"),
    ],
)
def test_a_pool_that_cannot_be_is_refused_by_variable_and_value(pool: list[object], cause: str) -> None:
    (found,) = check_pool(hosts(*pool))
    assert found.cause.startswith(cause)
    assert found.remedy


def test_a_good_pool_and_none_are_not_spoken_of() -> None:
    assert not list(check_pool(hosts("192.0.2.200-192.0.2.220")))
    assert not list(check_pool(hosts()))
    assert not list(check_pool_on_hosts(hosts("192.0.2.200-192.0.2.220"), {"n1": fact(NEAR)}))
    assert not list(check_pool_on_hosts(hosts(), {"n1": fact(NEAR)}))


def test_the_pool_is_the_whole_clusters() -> None:
    (found,) = check_pool([*hosts("192.0.2.200"), *hosts("192.0.2.201")])
    assert found.cause == "podlab_load_balancer_pool is not the same for all hosts"


def test_an_address_that_a_host_or_its_router_has_is_taken() -> None:
    second = Subnet(IPv4Network("192.0.2.0/24"), "eth1", address="192.0.2.201")
    router = Subnet(IPv4Network("0.0.0.0/0"), "eth0", gateway="192.0.2.202")
    found = list(check_pool_on_hosts(hosts("192.0.2.200/29"), {"n1": fact(NEAR, second, router)}))
    assert [each.cause for each in found] == [
        "it has the address 192.0.2.201 on eth1, which is in podlab_load_balancer_pool (192.0.2.200/29)",
        "its router has the address 192.0.2.202, which is in podlab_load_balancer_pool (192.0.2.200/29)",
    ]


def test_a_pool_of_ipv6_is_held_against_the_clusters_networks_and_the_hosts_addresses() -> None:
    both = {"podlab_pod_cidr": "10.244.0.0/16,fd00:10:244::/56", "podlab_service_cidr": "10.96.0.0/16,fd00:10:96::/112"}
    (found,) = check_pool(hosts("fd00:1::200-fd00:1::210"))
    assert found.cause == "podlab_load_balancer_pool has fd00:1::200-fd00:1::210, and the cluster no IPv6"
    assert not list(check_pool(hosts("fd00:1::200-fd00:1::210", **both)))
    (found,) = check_pool(hosts("fd00:10:244::/120", **both))
    assert "podlab_load_balancer_pool (fd00:10:244::/120) and podlab_pod_cidr fd00:10:244::/56 overlap" in found.cause
    (found,) = check_pool(hosts("fd00:10:96::/120", **both))
    assert "podlab_service_cidr fd00:10:96::/112 overlap" in found.cause
    six = replace(fact(NEAR), ipv6=((IPv6Interface("fd00:1::21/64"), "eth0"),))
    (found,) = check_pool_on_hosts(hosts("fd00:1::20-fd00:1::30"), {"n1": six})
    assert found.cause == (
        "it has the address fd00:1::21 on eth0, which is in podlab_load_balancer_pool (fd00:1::20-fd00:1::30)"
    )
    (found,) = check_pool_on_hosts(hosts("fd00:2::/120"), {"n1": six})
    assert "in no network that a node has an address in" in found.cause


def test_a_pool_that_no_neighbour_asks_for_is_warned_of() -> None:
    (found,) = check_pool_on_hosts(hosts("198.51.100.0/28"), {"n1": fact(NEAR)})
    assert "in no network that a node has an address in" in found.cause
