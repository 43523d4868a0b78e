"""Which way a node's packets take to the pods of each other node: a plain route, or through VXLAN. Pure.

A plain route leads to the other node itself, so both must be on one network segment: the kernel sends to the other's
address without a gateway. Whatever stands between segments knows nothing of pods' addresses; VXLAN hides them from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from node.network.peers import Address, Peer, PodNetwork
from node.network.vxlan import LINK


class Overlay(StrEnum):
    """When VXLAN is used: where a pair of nodes needs it, for every pair, for none."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True)
class Reach:
    """How the kernel sends to another host's address (`ip route get`); `mtu` is in bytes.

    `on_link`: straight to it, on a link whose hosts find each other by themselves.
    """

    device: str
    on_link: bool
    mtu: int


@dataclass(frozen=True)
class Way:
    """How the pods of a network are reached: by a route to `gateway` on `device`, which leads to the node at `node`."""

    peer: str
    pods: PodNetwork
    node: Address
    gateway: Address
    device: str

    @property
    def is_vxlan(self) -> bool:
        return self.device == LINK


@dataclass(frozen=True)
class Unreached:
    """A network of pods to which there is no way, and why."""

    peer: str
    pods: PodNetwork
    reason: str


def ways(own: Peer, others: Iterable[Peer], paths: Mapping[Address, Reach], overlay: Overlay) -> list[Way | Unreached]:
    """To each network of each other node's pods. `paths` lacks addresses to which the kernel has no route."""
    return [
        _way(own, peer, pods, paths, overlay)
        for peer in others
        if peer.name != own.name and peer.addresses
        for pods in peer.pods
    ]


def way_to(address: Address, known: Sequence[Way | Unreached]) -> Way | Unreached | None:
    """The way to a pod's address; None for one that is no other node's."""
    return next((way for way in known if address in way.pods), None)


def _way(own: Peer, peer: Peer, pods: PodNetwork, paths: Mapping[Address, Reach], overlay: Overlay) -> Way | Unreached:
    near = next((each for each in peer.addresses if each.version == pods.version and _on_link(each, paths)), None)
    if near is not None and overlay is not Overlay.ALWAYS:
        return Way(peer.name, pods, near, near, paths[near].device)
    family = own.addresses[0].version if own.addresses else 4
    end = next((each for each in peer.addresses if each.version == family), None)
    if end is None or end not in paths:
        addresses = ", ".join(map(str, peer.addresses))
        return Unreached(peer.name, pods, f"this host has no route to node {peer.name} ({addresses})")
    if overlay is Overlay.NEVER:
        reason = f"node {peer.name} ({end}) is on another network segment, and podlab_network_overlay is never"
        return Unreached(peer.name, pods, reason)
    return Way(peer.name, pods, end, pods.network_address, LINK)


def _on_link(address: Address, paths: Mapping[Address, Reach]) -> bool:
    return address in paths and paths[address].on_link
