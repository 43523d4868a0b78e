"""Ranges of whole numbers: ports, and addresses of one family as numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import ip_network

from podlab.api.values.ipfamilies import IPV4, IPV6, family_of

Ranges = tuple[tuple[int, int], ...]
"""First and last of each range; in order, and none touches another."""

ALL_ADDRESSES: Mapping[str, Ranges] = {IPV4: ((0, 2**32 - 1),), IPV6: ((0, 2**128 - 1),)}


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
    """The addresses of an ipBlock, whose exceptions are of the same family. Raises ValueError."""
    taken = [part for each in excepted if family_of(each) == family_of(cidr) for part in _network(each)]
    return without(_network(cidr), merged(taken))


def _network(cidr: str) -> Ranges:
    # Bits beyond the prefix say nothing; policies of earlier releases may have them.
    network = ip_network(cidr, strict=False)
    return ((int(network.network_address), int(network.broadcast_address)),)
