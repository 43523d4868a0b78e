"""What of a Node matters to the pod network: where the node is reached, and which networks its pods have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from podlab.core.v1.node_pb2 import Node

Address = IPv4Address | IPv6Address
PodNetwork = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Peer:
    """A node of the cluster. Both are in the order of the Node object; the first address is the one that it prefers."""

    name: str
    addresses: tuple[Address, ...] = ()
    pods: tuple[PodNetwork, ...] = ()


def peer_of(node: Node) -> Peer:
    """Its InternalIPs and its pods' networks; what is no address is left out, so that one node harms no other."""
    internal = (each.address for each in node.status.addresses if each.type == "InternalIP")
    cidrs = node.spec.podCIDRs or ([node.spec.podCIDR] if node.spec.podCIDR else [])
    return Peer(node.metadata.name, tuple(_addresses(internal)), tuple(_networks(cidrs)))


def _addresses(texts: Iterable[str]) -> Iterator[Address]:
    for text in texts:
        try:
            yield ip_address(text)
        except ValueError:
            continue


def _networks(texts: Iterable[str]) -> Iterator[PodNetwork]:
    for text in texts:
        try:
            yield ip_network(text)
        except ValueError:
            continue
