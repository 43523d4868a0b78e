"""Ranges of whole numbers: ports, and IPv4 addresses as numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, ip_network

Ranges = tuple[tuple[int, int], ...]
"""First and last of each range; in order, and none touches another."""

ALL_ADDRESSES: Ranges = ((0, 2**32 - 1),)


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same numbers, as few ranges."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def without(ranges: Ranges, taken: Ranges) -> Ranges:
    """The numbers of `ranges` that are none of `taken`."""
    left: list[tuple[int, int]] = []
    for low, high in ranges:
        start = low
        for first, last in taken:
            if last < start or first > high:
                continue
            if first > start:
                left.append((start, first - 1))
            start = last + 1
        if start <= high:
            left.append((start, high))
    return tuple(left)


def within(number: int, ranges: Ranges) -> bool:
    return any(low <= number <= high for low, high in ranges)


def block(cidr: str, excepted: Iterable[str]) -> Ranges:
    """The IPv4 addresses of an ipBlock; none of an IPv6 one, since pods have IPv4 addresses. Raises ValueError."""
    taken = [part for each in excepted for part in _network(each)]
    return without(_network(cidr), merged(taken))


def _network(cidr: str) -> Ranges:
    # Bits beyond the prefix say nothing; policies of earlier releases may have them.
    network = ip_network(cidr, strict=False)
    if not isinstance(network, IPv4Network):
        return ()
    return ((int(network.network_address), int(network.broadcast_address)),)
