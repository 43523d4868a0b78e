"""The addresses that load balancers of Services may have, as the inventory gives them. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address, summarize_address_range
from typing import Final

from podlab.api.values.specialnetworks import special

FORMS: Final = "an address, a range such as 192.0.2.200-192.0.2.220, or a network such as 192.0.2.0/28"
_POINT_TO_POINT: Final = 31  # from this length of prefix on every address of a network is a host's (RFC 3021)


class PoolError(ValueError):
    """An entry cannot be used. Its text names the entry, what is wrong with it, and what to give instead."""


@dataclass(frozen=True)
class AddressRange:
    """`text` as it was given; `first` and `last` belong to it."""

    text: str
    first: IPv4Address
    last: IPv4Address

    def __contains__(self, address: IPv4Address) -> bool:
        return self.first <= address <= self.last

    def overlaps(self, network: IPv4Network) -> bool:
        return self.first <= network.broadcast_address and network.network_address <= self.last


@dataclass(frozen=True)
class AddressPool:
    """None of the ranges has an address of another."""

    ranges: tuple[AddressRange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def range_of(self, address: str) -> AddressRange | None:
        """The one that holds the address, which may be any text."""
        try:
            wanted = IPv4Address(address)
        except ValueError:
            return None
        return next((each for each in self.ranges if wanted in each), None)

    def first_free(self, taken: Container[str]) -> str:
        """The lowest address that is not taken, of the first range that has one; empty when none has."""
        free = (text for each in self.ranges for text in _addresses(each) if text not in taken)
        return next(free, "")


def parse_pool(entries: Sequence[str]) -> AddressPool:
    """Raises PoolError. A network's first and last address are not part of it: hosts take them for its own."""
    ranges: list[AddressRange] = []
    for entry in entries:
        made = _range(entry)
        if what := _special(made):
            raise PoolError(f"{made.text!r}: overlaps {what}, which no load balancer can have; give {FORMS}")
        same = next((each for each in ranges if made.first <= each.last and each.first <= made.last), None)
        if same is not None:
            raise PoolError(f"{entry!r} and {same.text!r} have addresses in common; give each address once")
        ranges.append(made)
    return AddressPool(tuple(ranges))


def _range(entry: str) -> AddressRange:
    text = str(entry).strip()
    try:
        if "/" in text:
            return _of_network(text, IPv4Network(text))
        first, dash, last = (part.strip() for part in text.partition("-"))
        made = AddressRange(text, IPv4Address(first), IPv4Address(last if dash else first))
    except ValueError as error:
        raise PoolError(f"{text!r}: {_cause(text, error)}; give {FORMS}") from error
    if made.first > made.last:
        raise PoolError(f"{text!r}: begins after its end; give {made.last}-{made.first}")
    return made


def _special(span: AddressRange) -> str:
    return next((what for each in summarize_address_range(span.first, span.last) if (what := special(each))), "")


def _of_network(text: str, network: IPv4Network) -> AddressRange:
    if network.prefixlen >= _POINT_TO_POINT:
        return AddressRange(text, network[0], network[-1])
    return AddressRange(text, network[1], network[-2])


def _cause(text: str, error: ValueError) -> str:
    """Addresses of IPv6 are refused by name: nothing here would answer neighbours who ask for them."""
    first = text.partition("/")[0].partition("-")[0].strip()
    try:
        version = ip_address(first).version
    except ValueError:
        return str(error)
    return "addresses of load balancers are IPv4 ones" if version != 4 else str(error)


def _addresses(span: AddressRange) -> Iterator[str]:
    return (str(IPv4Address(number)) for number in range(int(span.first), int(span.last) + 1))
