from ipaddress import ip_address, ip_network

import pytest
from podlab_testing.pod_ways import FAR, N1, N2, N3, NEAR, PATHS, paths, peer

from node.network.ways import Overlay, Reach, Unreached, Way, way_to, ways


def through(overlay: Overlay) -> dict[str, str]:
    """Where the pods of each other node are sent to."""
    found = ways(N1, [N1, N2, N3], PATHS, overlay)
    return {way.peer: f"{way.gateway} on {way.device}" for way in found if isinstance(way, Way)}


def test_nodes_on_one_segment_need_no_more_than_a_route_and_others_use_vxlan() -> None:
    assert through(Overlay.AUTO) == {"n2": "192.0.2.2 on eth0", "n3": "10.244.3.0 on podlab-vxlan"}


def test_vxlan_can_be_used_for_all() -> None:
    assert through(Overlay.ALWAYS) == {"n2": "10.244.2.0 on podlab-vxlan", "n3": "10.244.3.0 on podlab-vxlan"}


def test_without_vxlan_a_node_on_another_segment_is_not_reached_and_the_others_are() -> None:
    assert through(Overlay.NEVER) == {"n2": "192.0.2.2 on eth0"}
    (told,) = [way.reason for way in ways(N1, [N2, N3], PATHS, Overlay.NEVER) if isinstance(way, Unreached)]
    assert told == "node n3 (198.51.100.3) is on another network segment, and podlab_network_overlay is never"


@pytest.mark.parametrize("overlay", list(Overlay))
def test_a_node_to_which_the_kernel_has_no_route_is_told(overlay: Overlay) -> None:
    (told,) = ways(N1, [N3], {}, overlay)
    assert isinstance(told, Unreached)
    assert told.reason == "this host has no route to node n3 (198.51.100.3)"


def test_a_node_with_several_addresses_is_reached_plainly_at_one_that_is_near() -> None:
    twice = peer("n2", "198.51.100.2 192.0.2.2", "10.244.2.0/24")
    (way,) = ways(N1, [twice], paths(near=["192.0.2.2"], far=["198.51.100.2"]), Overlay.AUTO)
    assert isinstance(way, Way)
    assert (str(way.gateway), way.is_vxlan) == ("192.0.2.2", False)


def test_pods_of_the_family_that_hosts_do_not_speak_are_reached_through_vxlan() -> None:
    both = peer("n2", "192.0.2.2", "10.244.2.0/24 fd00:2::/64")
    found = ways(N1, [both], paths(near=["192.0.2.2"]), Overlay.AUTO)
    assert [(str(way.gateway), way.is_vxlan) for way in found if isinstance(way, Way)] == [
        ("192.0.2.2", False),
        ("fd00:2::", True),
    ]


def test_hosts_of_both_families_route_each_by_itself() -> None:
    own = peer("n1", "192.0.2.1 2001:db8::1", "10.244.1.0/24 fd00:1::/64")
    both = peer("n2", "192.0.2.2 2001:db8::2", "10.244.2.0/24 fd00:2::/64")
    known = {ip_address("192.0.2.2"): NEAR, ip_address("2001:db8::2"): Reach("eth1", True, 9000)}
    found = [way for way in ways(own, [both], known, Overlay.AUTO) if isinstance(way, Way)]
    assert [(str(way.gateway), way.device) for way in found] == [("192.0.2.2", "eth0"), ("2001:db8::2", "eth1")]
    known[ip_address("2001:db8::2")] = FAR
    last = ways(own, [both], known, Overlay.AUTO)[-1]
    assert isinstance(last, Way)
    assert (last.is_vxlan, str(last.node)) == (True, "192.0.2.2")  # all tunnels end at the first family's address


def test_a_node_that_is_not_complete_yet_is_left_out() -> None:
    assert ways(N1, [peer("n4", "", "10.244.4.0/24"), peer("n5", "192.0.2.5", "")], PATHS, Overlay.AUTO) == []


def test_a_pods_address_says_which_way_leads_to_it() -> None:
    known = ways(N1, [N2, N3], PATHS, Overlay.AUTO)
    found = way_to(ip_address("10.244.3.77"), known)
    assert found is not None
    assert (found.peer, found.pods) == ("n3", ip_network("10.244.3.0/24"))
    assert way_to(ip_address("10.244.1.5"), known) is None
