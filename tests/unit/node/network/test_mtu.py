from ipaddress import ip_address

import pytest
from podlab_testing.pod_ways import N1, N2, N3, PATHS

from node.network import mtu
from node.network.ways import Overlay, Reach, Way, ways

V4, V6 = ip_address("192.0.2.1"), ip_address("2001:db8::1")


def usable(overlay: Overlay, *others: object) -> list[Way]:
    found = ways(N1, [each for each in (N2, N3) if each in others], PATHS, overlay)
    return [way for way in found if isinstance(way, Way)]


@pytest.mark.parametrize(
    ("overlay", "others", "expected"),
    [
        pytest.param(Overlay.AUTO, [N2], 1500, id="one segment: the interface's"),
        pytest.param(Overlay.AUTO, [N2, N3], 1450, id="another segment too: room for VXLAN"),
        pytest.param(Overlay.ALWAYS, [], 1450, id="always VXLAN, though nobody else is there yet"),
        pytest.param(Overlay.NEVER, [N2, N3], 1500, id="never"),
    ],
)
def test_pods_leave_room_for_vxlan_where_it_may_be_used(overlay: Overlay, others: list[object], expected: int) -> None:
    assert mtu.of_pods(1500, V4, usable(overlay, *others), overlay) == expected


def test_over_ipv6_vxlan_takes_twenty_bytes_more() -> None:
    assert mtu.of_pods(9000, V6, [], Overlay.ALWAYS) == 8930


def test_the_narrowest_path_counts_unless_it_is_configured() -> None:
    paths = {V4: Reach("eth0", True, 9000), V6: Reach("eth1", False, 1400)}
    assert mtu.between_nodes(1500, paths, 0) == 1400
    assert mtu.between_nodes(1500, paths, 1300) == 1300
    assert mtu.between_nodes(None, {}, 0) is None
