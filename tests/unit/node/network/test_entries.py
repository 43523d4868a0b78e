from ipaddress import ip_address, ip_network

from podlab_testing.pod_ways import N1, N2, N3, PATHS

from node.network.entries import (
    Drop,
    Entries,
    Forwarding,
    Neighbour,
    Put,
    Route,
    changes,
    vtep,
    wanted,
)
from node.network.ways import Overlay, Way, ways

PLAIN = Route(ip_network("10.244.2.0/24"), ip_address("192.0.2.2"), "eth0")
OVERLAID = Route(ip_network("10.244.3.0/24"), ip_address("10.244.3.0"), "podlab-vxlan", source=ip_address("10.244.1.0"))
NEIGHBOUR = Neighbour(ip_address("10.244.3.0"), "02:50:c6:33:64:03")
FORWARDING = Forwarding("02:50:c6:33:64:03", ip_address("198.51.100.3"))
ALL = Entries(frozenset({PLAIN, OVERLAID}), frozenset({NEIGHBOUR}), frozenset({FORWARDING}))


def test_a_plain_way_is_a_route_and_one_through_vxlan_says_which_host_it_ends_at() -> None:
    found = [way for way in ways(N1, [N1, N2, N3], PATHS, Overlay.AUTO) if isinstance(way, Way)]
    assert wanted(N1, found) == ALL


def test_the_device_is_computed_from_the_node() -> None:
    made = vtep(N1, 1450)
    assert (made.mac, made.addresses, made.mtu) == ("02:50:c0:00:02:01", {ip_address("10.244.1.0")}, 1450)


def test_nothing_changes_when_all_stands() -> None:
    assert changes(ALL, ALL) == []


def test_a_route_comes_when_what_it_leads_through_is_there_and_goes_before_it_does() -> None:
    assert changes(Entries(), ALL) == [Put(each, replaces=False) for each in (FORWARDING, NEIGHBOUR, PLAIN, OVERLAID)]
    assert changes(ALL, Entries()) == [Drop(each) for each in (PLAIN, OVERLAID, NEIGHBOUR, FORWARDING)]


def test_a_node_that_moved_is_changed_without_a_gap() -> None:
    moved = Route(PLAIN.pods, ip_address("192.0.2.9"), "eth0")
    assert changes(Entries(frozenset({PLAIN})), Entries(frozenset({moved}))) == [Put(moved, replaces=True)]


def test_of_two_entries_for_one_destination_the_right_one_stays() -> None:
    wrong = Forwarding(FORWARDING.mac, ip_address("203.0.113.9"))
    current = Entries(forwardings=frozenset({FORWARDING, wrong}))
    assert changes(current, Entries(forwardings=frozenset({FORWARDING}))) == [Drop(wrong)]
