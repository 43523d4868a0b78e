"""Settings of a host's own that would be in pods' way."""

from dataclasses import replace

import pytest
from podlab_testing.preflight_facts import FACTS

from podlab.deploy.preflight.checks.surroundings import links_managed, name_servers, swap, ways_out
from podlab.deploy.preflight.finding import Severity
from podlab.deploy.preflight.hosts.facts import Host, LinkManagers

NODE = Host(name="n1", groups=frozenset({"nodes"}))
MASTER = Host(name="n1", groups=frozenset({"masters"}))
FILE = "/etc/systemd/network/00-all.network"


def networkd(text: str) -> LinkManagers:
    return LinkManagers(networkd={FILE: text})


@pytest.mark.parametrize(
    ("match", "taken"),
    [
        ("Name=*", "podlab0, podlab-vxlan, veth0a1b2c3d"),
        ("Type=ether", "podlab0, podlab-vxlan, veth0a1b2c3d"),
        ("Name=en* v*", "veth0a1b2c3d"),
        ("Name=!en*", "podlab0, podlab-vxlan, veth0a1b2c3d"),
        ("Kind=veth bridge", "podlab0, veth0a1b2c3d"),
        ("Driver=!virtio_net", "podlab0, podlab-vxlan, veth0a1b2c3d"),
        ("Name=*\nHost=n1", "podlab0, podlab-vxlan, veth0a1b2c3d"),
    ],
)
def test_a_file_of_networkd_that_takes_links_of_pods_is_told(match: str, taken: str) -> None:
    facts = replace(FACTS, link_managers=networkd(f"# all\n[Match]\n{match}\n\n[Network]\nDHCP=yes\n"))
    (found,) = links_managed(NODE, facts)
    assert found.severity is Severity.ERROR
    assert found.cause == (
        f"systemd-networkd reads {FILE} before Podlab's 00-podlab.network, and it matches {taken}: pods would lose "
        "their network"
    )
    assert found.remedy.endswith(f"mv {FILE} /etc/systemd/network/50-00-all.network")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[Match]\n\n[Network]\nDHCP=yes\n",  # systemd ignores it, and says so
        "[Match]\nName=en*\n",
        "[Match]\nName=*\nMACAddress=52:54:00:12:34:56\n",
        "[Match]\nType=ether\nKind=!*\n",
        "[Match]\nType=!ether\n",
        "[Match]\nHost=n1\n",
        "[Match]\nName=*\n[Link]\nUnmanaged=yes\n",
        "#[Match]\n#Name=*\n",
    ],
)
def test_a_file_of_networkd_that_takes_other_links_alone_is_none(text: str) -> None:
    assert list(links_managed(NODE, replace(FACTS, link_managers=networkd(text)))) == []


def test_only_nodes_whose_network_is_podlab_s_are_asked_for_it() -> None:
    facts = replace(FACTS, link_managers=networkd("[Match]\nName=*\n"))
    other = Host(name="n1", groups=frozenset({"nodes"}), variables={"podlab_network": "none"})
    assert [list(links_managed(host, facts)) for host in (MASTER, other)] == [[], []]


@pytest.mark.parametrize(
    ("deny", "allow", "taken"),
    [
        ("", "", "podlab0, podlab-vxlan, veth0a1b2c3d"),
        ("veth*", "", "podlab0, podlab-vxlan"),
        ("podlab* veth*", "", ""),
        ("", "eth0 wlan0", ""),
    ],
)
def test_dhcpcd_that_gives_pods_links_addresses_is_told(deny: str, allow: str, taken: str) -> None:
    facts = replace(FACTS, link_managers=LinkManagers(dhcpcd={"deny": deny, "allow": allow}))
    found = [each.cause for each in links_managed(NODE, facts)]
    told = f"dhcpcd takes {taken} for links of the host's: they would get addresses and routes"
    assert found == ([told] if taken else [])


def test_swap_is_told_of_nodes() -> None:
    facts = replace(FACTS, swap_bytes=2 << 30)
    (found,) = swap(NODE, facts)
    assert (found.severity, found.cause[:26]) == (Severity.WARNING, "2048 MiB of swap are on: m")
    assert [*swap(MASTER, facts), *swap(NODE, FACTS)] == []


def test_a_node_without_a_default_route_is_told() -> None:
    (found,) = ways_out(NODE, replace(FACTS, default_route=False))
    assert found.cause.startswith("it has no default route: its own programs reach no Service by its address")
    assert [*ways_out(MASTER, replace(FACTS, default_route=False)), *ways_out(NODE, FACTS)] == []


@pytest.mark.parametrize(
    ("resolvers", "cause"),
    [
        ({}, "its /etc/resolv.conf names no name server: "),
        ({"192.0.2.1": False, "192.0.2.2": False}, "no name server of it answers (192.0.2.1, 192.0.2.2): "),
    ],
)
def test_a_node_that_knows_no_names_is_told(resolvers: dict[str, bool], cause: str) -> None:
    (found,) = name_servers(NODE, replace(FACTS, resolvers=resolvers))
    assert found.cause.startswith(cause)


def test_one_name_server_that_answers_is_enough() -> None:
    assert list(name_servers(NODE, replace(FACTS, resolvers={"192.0.2.1": False, "192.0.2.2": True}))) == []
