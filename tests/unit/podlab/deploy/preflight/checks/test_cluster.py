from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

import pytest

from podlab.deploy.preflight.checks.cluster import check_cluster
from podlab.deploy.preflight.hosts.facts import Facts, FileSystem, Host, Inotify, Subnet

MASTER = Host(name="m1", groups=frozenset({"masters"}))
NODES = tuple(Host(name=name, groups=frozenset({"nodes"})) for name in ("n1", "n2"))
HOSTS = (MASTER, *NODES)


def fact(number: int, **changes: Any) -> Facts:
    values: dict[str, Any] = {
        "place": f"boot {number}",
        "hostname": f"host{number}",
        "machine_id": f"{number:032x}",
        "subnets": (Subnet(IPv4Network("192.0.2.0/24"), "eth0", address=f"192.0.2.{number}"),),
        "clock_ahead_s": (-0.1, 0.1),
        "root": True,
        "python": (3, 11, 2),
        "os_id": "debian",
        "os_version": "12",
        "os_name": "Debian 12",
        "architecture": "x86_64",
        "kernel": "6.1.0",
        "systemd": True,
        "cpus": 2,
        "memory_bytes": 1 << 31,
        "filesystems": (FileSystem(directories=("/var/lib/podlab",), free_bytes=1 << 35),),
        "inotify": Inotify(instances=1024),
        "missing_features": (),
        "cgroup_controllers": frozenset({"cpu", "memory", "pids"}),
        "listeners": (),
        "name_servers": (),
    }
    return Facts(**(values | changes))


def known(**changed: Facts) -> Mapping[str, Facts]:
    return {"m1": fact(11), "n1": fact(21), "n2": fact(22)} | changed


def causes(hosts: tuple[Host, ...] = HOSTS, **changed: Facts) -> list[tuple[str, str]]:
    return [(finding.host, finding.cause) for finding in check_cluster(hosts, known(**changed))]


def with_variables(**variables: Any) -> tuple[Host, ...]:
    return tuple(Host(name=host.name, groups=host.groups, variables=variables) for host in HOSTS)


def test_hosts_that_differ_give_no_finding() -> None:
    assert causes() == []


def test_hosts_that_take_no_part_in_a_run_are_not_missed() -> None:
    """As with --limit: the whole inventory's groups have been looked at before."""
    assert check_cluster(NODES[:1], {"n1": fact(21)}) == []


def test_the_same_hostname_twice_names_both_hosts() -> None:
    assert causes(n2=fact(22, hostname="host21")) == [("n2", "n1 and n2 have the same hostname, host21")]


def test_the_same_machine_id_twice_names_both_hosts() -> None:
    ((host, cause),) = causes(n2=fact(22, machine_id=f"{21:032x}"))
    assert host == "n2"
    assert cause.startswith("n1 and n2 have the same machine id (0000")


def test_one_machine_under_two_names_is_said_once() -> None:
    assert causes(n2=fact(21)) == [("n2", "n1 and n2 are one and the same host, which calls itself host21")]


def test_machines_behind_the_same_address_are_two_hosts() -> None:
    assert causes(n2=fact(22, subnets=fact(21).subnets)) == []


def test_clocks_on_different_sides_of_the_controllers_are_compared_with_each_other() -> None:
    found = causes(n1=fact(21, clock_ahead_s=(1.5, 1.6)), n2=fact(22, clock_ahead_s=(-1.7, -1.5)))
    assert found == [("n1", "its clock is 3.0 s ahead of n2's; certificates and leases bear 2 s")]


def test_a_clock_that_is_wrong_alone_is_not_told_twice() -> None:
    assert causes(n1=fact(21, clock_ahead_s=(9.5, 9.6))) == []


def test_pod_and_service_networks_must_not_overlap() -> None:
    hosts = with_variables(podlab_pod_cidr="10.96.0.0/12", podlab_service_cidr="10.96.0.0/16")
    assert causes(hosts) == [("inventory", "podlab_pod_cidr 10.96.0.0/12 and podlab_service_cidr 10.96.0.0/16 overlap")]


def test_the_networks_are_the_whole_clusters() -> None:
    odd = Host(name="n2", groups=frozenset({"nodes"}), variables={"podlab_pod_cidr": "10.1.0.0/16"})
    ((host, cause),) = causes((MASTER, NODES[0], odd))
    assert host == "inventory"
    assert "not the same for all hosts" in cause


def test_a_network_that_is_none_is_named_with_its_variable() -> None:
    found = causes(with_variables(podlab_pod_cidr="10.244.0.0/33"))
    assert {host for host, _ in found} == {"m1", "n1", "n2"}
    assert all("podlab_pod_cidr is '10.244.0.0/33', not an IPv4 network" in cause for _, cause in found)


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("podlab_pod_cidr", "10.244.0.0/26", "10.244.0.0/26: each node gets a /24 of it, so that /8 to /24 is wanted"),
        ("podlab_pod_cidr", "127.0.0.0/16", "127.0.0.0/16, which overlaps loopback 127.0.0.0/8: give a private"),
        ("podlab_pod_cidr", "224.0.0.0/16", "224.0.0.0/16, which overlaps multicast 224.0.0.0/4"),
        ("podlab_service_cidr", "169.254.0.0/16", "169.254.0.0/16, which overlaps link-local 169.254.0.0/16"),
        ("podlab_service_cidr", "10.96.0.0/29", "10.96.0.0/29, which is too small: /28 is the smallest"),
        ("podlab_service_cidr", "10.0.0.0/11", "10.0.0.0/11, which is too large: /12 is the largest"),
    ],
)
def test_a_network_that_serves_nobody_is_named_with_one_that_would(variable: str, value: str, told: str) -> None:
    found = causes(with_variables(**{variable: value}))
    assert {host for host, _ in found} == {"m1", "n1", "n2"}
    assert {cause for _, cause in found if cause.startswith(f"{variable} has {told}")} == {cause for _, cause in found}


def test_every_node_gets_a_part_of_the_pods_network() -> None:
    assert causes(with_variables(podlab_pod_cidr="10.244.0.0/23")) == []
    assert causes(with_variables(podlab_pod_cidr="10.244.0.0/24")) == [
        ("inventory", "podlab_pod_cidr 10.244.0.0/24 has a part for 1 of the 2 nodes")
    ]


def test_a_hosts_own_network_must_not_be_where_pods_shall_be() -> None:
    office = Subnet(IPv4Network("10.244.3.0/24"), "eth1", address="10.244.3.7")
    connected = Subnet(IPv4Network("10.244.3.0/24"), "eth1")
    found = causes(n1=fact(21, subnets=(office, connected)))
    assert found == [("n1", "its network 10.244.3.0/24 on eth1 overlaps podlab_pod_cidr 10.244.0.0/16")]


def test_a_route_into_the_service_network_must_not_exist() -> None:
    vpn = Subnet(IPv4Network("10.0.0.0/8"), "tun0", gateway="192.0.2.254")
    services = with_variables(podlab_pod_cidr="172.20.0.0/16")
    found = causes(services, n1=fact(21, subnets=(vpn,)))
    assert found == [
        ("n1", "its route through 192.0.2.254 10.0.0.0/8 on tun0 overlaps podlab_service_cidr 10.96.0.0/16")
    ]


def test_what_an_earlier_run_made_is_no_overlap() -> None:
    bridge = Subnet(IPv4Network("10.244.0.0/24"), "podlab0", address="10.244.0.1")
    to_the_other_node = Subnet(IPv4Network("10.244.1.0/24"), "eth0", gateway="192.0.2.22")
    names = Subnet(IPv4Network("10.96.0.10/32"), "podlab-dns", address="10.96.0.10")
    assert causes(n1=fact(21, subnets=(bridge, to_the_other_node, names))) == []


def test_hosts_that_were_not_reached_are_left_out() -> None:
    assert check_cluster(HOSTS, {"n1": fact(21)}) == []
