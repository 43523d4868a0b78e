"""What a node's kernel must know to send along its ways, and which changes lead there. Pure.

Over VXLAN a route leads to a gateway that is no host: the first address of the other node's pods. The neighbour entry
says which MAC address that has, and the forwarding entry at which host packets for this MAC address come out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from node.network.peers import Address, Peer, PodNetwork
from node.network.vxlan import mac_of
from node.network.ways import Way


@dataclass(frozen=True)
class Vtep:
    """The VXLAN device: its end of the tunnels, its MAC address, its own addresses among pods, and its MTU in bytes."""

    node: Address
    mac: str
    addresses: frozenset[Address]
    mtu: int


@dataclass(frozen=True)
class Route:
    """`source`: what the host itself sends from, so that answers come back the same way; None: as the kernel likes."""

    pods: PodNetwork
    gateway: Address
    device: str
    source: Address | None = None


@dataclass(frozen=True)
class Neighbour:
    gateway: Address
    mac: str


@dataclass(frozen=True)
class Forwarding:
    mac: str
    node: Address


Entry = Route | Neighbour | Forwarding


@dataclass(frozen=True)
class Entries:
    routes: frozenset[Route] = field(default_factory=frozenset)
    neighbours: frozenset[Neighbour] = field(default_factory=frozenset)
    forwardings: frozenset[Forwarding] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Put:
    """Make it so; `replaces` when an entry of ours stands there for the same destination."""

    entry: Entry
    replaces: bool


@dataclass(frozen=True)
class Drop:
    entry: Entry


Change = Put | Drop


def vtep(own: Peer, mtu: int) -> Vtep:
    """The device of a node, which has an address, with that MTU."""
    node = own.addresses[0]
    return Vtep(node, mac_of(node), frozenset(pods.network_address for pods in own.pods), mtu)


def wanted(own: Peer, ways: Iterable[Way]) -> Entries:
    routes, neighbours, forwardings = set(), set(), set()
    sources = {pods.version: pods.network_address for pods in own.pods}
    for way in ways:
        source = sources.get(way.pods.version) if way.is_vxlan else None
        routes.add(Route(way.pods, way.gateway, way.device, source))
        if way.is_vxlan:
            mac = mac_of(way.node)
            neighbours.add(Neighbour(way.gateway, mac))
            forwardings.add(Forwarding(mac, way.node))
    return Entries(frozenset(routes), frozenset(neighbours), frozenset(forwardings))


def changes(current: Entries, target: Entries) -> list[Change]:
    """In an order in which no packet is sent to where it is not awaited: routes go first and come last."""
    gone_routes, new_routes = _changes(current.routes, target.routes)
    gone_neighbours, new_neighbours = _changes(current.neighbours, target.neighbours)
    gone_forwardings, new_forwardings = _changes(current.forwardings, target.forwardings)
    return [*gone_routes, *new_forwardings, *new_neighbours, *new_routes, *gone_neighbours, *gone_forwardings]


def _changes(current: Iterable[Entry], target: Iterable[Entry]) -> tuple[list[Drop], list[Put]]:
    aims = {_destination(entry): entry for entry in target}
    # Of several for one destination that which is right stands, and the others go.
    right = frozenset(aims.values())
    standing = {_destination(entry): entry for entry in sorted(current, key=lambda entry: entry in right)}
    gone = [
        Drop(entry) for entry in current if _destination(entry) not in aims or entry != standing[_destination(entry)]
    ]
    new = [
        Put(entry, replaces=destination in standing)
        for destination, entry in aims.items()
        if standing.get(destination) != entry
    ]
    return sorted(gone, key=str), sorted(new, key=str)


def _destination(entry: Entry) -> PodNetwork | Address | str:
    """What an entry is about: there is one entry for each."""
    match entry:
        case Route():
            return entry.pods
        case Neighbour():
            return entry.gateway
        case Forwarding():
            return entry.mac
