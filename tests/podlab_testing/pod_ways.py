"""Nodes as the pod network sees them, for tests of its decisions."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from node.network.peers import Address, Peer
from node.network.ways import Reach

NEAR, FAR = Reach("eth0", True, 1500), Reach("eth0", False, 1500)


def peer(name: str, addresses: str, pods: str) -> Peer:
    """Both lists are separated by blanks."""
    return Peer(name, tuple(map(ip_address, addresses.split())), tuple(map(ip_network, pods.split())))


N1 = peer("n1", "192.0.2.1", "10.244.1.0/24")
N2 = peer("n2", "192.0.2.2", "10.244.2.0/24")
N3 = peer("n3", "198.51.100.3", "10.244.3.0/24")


def paths(near: Iterable[str] = (), far: Iterable[str] = ()) -> dict[Address, Reach]:
    return {ip_address(each): NEAR for each in near} | {ip_address(each): FAR for each in far}


PATHS = paths(near=["192.0.2.2"], far=["198.51.100.3"])
