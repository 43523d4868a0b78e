"""The addresses that load balancers of Services may have, as the inventory gives them: of IPv4 and of IPv6. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)
from typing import Final

from podlab.api.values.specialnetworks import special

FORMS: Final = "an address, a range such as 192.0.2.200-192.0.2.220, or a network such as 192.0.2.0/28 or fd00::/120"
Address = IPv4Address | IPv6Address
# From this length of prefix on every address of a network is a host's (RFC 3021, RFC 6164).
_POINT_TO_POINT: Final = {4: 31, 6: 127}


class PoolError(ValueError):
    """An entry cannot be used. Its text names the entry, what is wrong with it, and what to give instead."""


@dataclass(frozen=True)
class AddressRange:
    """`text` as it was given; `first` and `last`, of one family, belong to it."""

    text: str
    first: Address
    last: Address

    @property
    def family(self) -> str:
        return f"IPv{self.first.version}"

    def __contains__(self, address: Address) -> bool:
        return self.first.version == address.version and int(self.first) <= int(address) <= int(self.last)

    def overlaps(self, network: IPv4Network | IPv6Network) -> bool:
        return self.first.version == network.version and (
            int(self.first) <= int(network.broadcast_address) and int(network.network_address) <= int(self.last)
        )

    def overlaps_range(self, other: AddressRange) -> bool:
        return self.first in other or other.first in self


@dataclass(frozen=True)
class AddressPool:
    """None of the ranges has an address of another."""

    ranges: tuple[AddressRange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ranges)

    @property
    def families(self) -> frozenset[str]:
        return frozenset(each.family for each in self.ranges)

    def range_of(self, address: str) -> AddressRange | None:
        """The one that holds the address, which may be any text."""
        try:
            wanted = ip_address(address)
        except ValueError:
            return None
        return next((each for each in self.ranges if wanted in each), None)

    def first_free(self, family: str, taken: Container[str]) -> str:
        """The lowest address that is not taken, of the first range of the family that has one; empty when none has."""
        free = (text for each in self.ranges if each.family == family for text in _addresses(each) if text not in taken)
        return next(free, "")


def parse_pool(entries: Sequence[str]) -> AddressPool:
    """Raises PoolError. A network's first and last address are not part of it: hosts take them for its own."""
    ranges: list[AddressRange] = []
    for entry in entries:
        made = _range(entry)
        if what := _special(made):
            raise PoolError(f"{made.text!r}: overlaps {what}, which no load balancer can have; give {FORMS}")
        same = next((each for each in ranges if made.overlaps_range(each)), None)
        if same is not None:
            raise PoolError(f"{entry!r} and {same.text!r} have addresses in common; give each address once")
        ranges.append(made)
    return AddressPool(tuple(ranges))


def _range(entry: str) -> AddressRange:
    text = str(entry).strip()
    try:
        if "/" in text:
            return _of_network(text, ip_network(text))
        first, dash, last = (part.strip() for part in text.partition("-"))
        made = AddressRange(text, ip_address(first), ip_address(last if dash else first))
    except ValueError as error:
        raise PoolError(f"{text!r}: {error}; give {FORMS}") from error
    if made.first.version != made.last.version:
        raise PoolError(f"{text!r}: begins with one family of addresses and ends with the other; give {FORMS}")
    if int(made.first) > int(made.last):
        raise PoolError(f"{text!r}: begins after its end; give {made.last}-{made.first}")
    return made


def _special(span: AddressRange) -> str:
    return next((what for each in _networks(span) if (what := special(each))), "")


def _networks(span: AddressRange) -> Iterator[IPv4Network] | Iterator[IPv6Network]:
    """What the range is made of."""
    first, last = int(span.first), int(span.last)
    if span.family == "IPv4":
        return summarize_address_range(IPv4Address(first), IPv4Address(last))
    return summarize_address_range(IPv6Address(first), IPv6Address(last))


def _of_network(text: str, network: IPv4Network | IPv6Network) -> AddressRange:
    if network.prefixlen >= _POINT_TO_POINT[network.version]:
        return AddressRange(text, network[0], network[-1])
    return AddressRange(text, network[1], network[-2])


def _addresses(span: AddressRange) -> Iterator[str]:
    return (str(span.first + offset) for offset in range(int(span.last) - int(span.first) + 1))
