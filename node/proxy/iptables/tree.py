"""Entries by address, protocol and port, in chains that lead to a few of them each: a value that changes by parts.

A chain with too many entries becomes a branch: it leads to chains of its four quarters by the next two bits. What all
entries of a chain have in common is tested once, by the rule that leads to it. So the way of a packet grows with the
logarithm of the number of entries, and one entry more or less changes the chains on its own way alone. The form depends
on nothing but the entries: after a restart the same chains come out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import groupby
from operator import attrgetter
from typing import Generic, TypeVar

from node.family import IPV6, number_of

T = TypeVar("T")
V = TypeVar("V")

PROTOCOL_BITS, PORT_BITS = 2, 16
PROTOCOLS = ("tcp", "udp", "sctp")
FEW_RULES = 16
"""So many rules a packet meets in a leaf, unless one entry alone has more. Fewer make more chains, which cost time to
write."""


@dataclass(frozen=True, slots=True)
class Space:
    """The places of one family, whose addresses have so many bits, in leaves of so many rules."""

    address_bits: int
    few_rules: int = FEW_RULES

    @property
    def bits(self) -> int:
        return self.address_bits + PROTOCOL_BITS + PORT_BITS

    def common(self, low: int, high: int) -> int:
        """How many leading bits the keys have in common; once the address is passed, in steps of two."""
        length = self.bits - (low ^ high).bit_length()
        return length if length <= self.address_bits else length - length % 2

    def shift(self, length: int) -> int:
        """What is left of keys after this are a branch's slots: the next one or two bits, up to an even length."""
        return self.bits - (length + 2 - length % 2)

    def length(self, node: Node[V]) -> int:
        """How many leading bits all keys of the node have in common."""
        return self.common(node.low, node.high)

    def place_of(self, node: Node[V]) -> Common:
        """The beginning of the places of the node's entries."""
        length = self.length(node)
        first = node.low >> (self.bits - length) << (self.bits - length)
        number = first >> PROTOCOL_BITS + PORT_BITS
        address = str(IPv6Address(number) if self.address_bits == IPV6.bits else IPv4Address(number))
        if length < self.address_bits + PROTOCOL_BITS:
            return Common(address, min(length, self.address_bits), "", 0, 0)
        protocol = PROTOCOLS[first >> PORT_BITS & (1 << PROTOCOL_BITS) - 1]
        port, ports = first & (1 << PORT_BITS) - 1, 1 << self.bits - length
        # A protocol whole needs no test of ports.
        last_port = port + ports - 1 if 1 < ports < 1 << PORT_BITS else 0
        return Common(address, self.address_bits, protocol, port, last_port)


def place_key(address: str, protocol: str = "", port: int = 0) -> int:
    """The place as a number whose leading bits are those that are tested first. No address counts as the first."""
    number = PROTOCOLS.index(protocol) if protocol else 0
    place = number_of(address) if address else 0
    return (place << PROTOCOL_BITS | number) << PORT_BITS | port


@dataclass(frozen=True, slots=True, eq=False)
class Entry(Generic[V]):
    """`key` is a place's; `rules` is how many a packet meets in the leaf for it; `value` is what they are made from."""

    key: int
    rules: int
    value: V


@dataclass(frozen=True, slots=True, eq=False)
class Node(Generic[V]):
    """A leaf has entries, a branch has children; each in the order of keys."""

    low: int
    high: int
    rules: int
    entries: tuple[Entry[V], ...] = ()
    children: tuple[Node[V], ...] = ()


@dataclass(frozen=True, slots=True)
class Common:
    """What all keys of a node have in common. No protocol: more than one; `last_port` is 0 for a single port."""

    address: str
    address_bits: int
    protocol: str
    port: int
    last_port: int


def walk(node: Node[V] | None) -> Iterator[Node[V]]:
    """The node and all below it."""
    if node is not None:
        yield node
        for child in node.children:
            yield from walk(child)


def unshared(old: Node[V] | None, new: Node[V] | None) -> tuple[list[Node[V]], list[Node[V]]]:
    """The nodes of one tree alone, and those of the other alone, where one was made from the other.

    Both are gone through in the order of keys. What they share is not looked into: a change costs as much as its way.
    """
    alone: tuple[list[Node[V]], list[Node[V]]] = [], []
    left = [old] if old is not None else [], [new] if new is not None else []  # the next one last
    while left[0] and left[1]:
        one, other = left[0][-1], left[1][-1]
        if one is other:
            left[0].pop()
            left[1].pop()
            continue
        for side in _not_in_the_other(one, other):
            node = left[side].pop()
            alone[side].append(node)
            left[side].extend(reversed(node.children))
    for side in (0, 1):
        alone[side].extend(each for root in left[side] for each in walk(root))
    return alone


def _not_in_the_other(one: Node[V], other: Node[V]) -> Sequence[int]:
    """Which of two nodes, each the next of its tree, has no like in the other tree: the first (0), the second (1)."""
    if one.high < other.low:
        return (0,)
    if other.high < one.low:
        return (1,)
    # What is shared may be below the wider one.
    width, other_width = one.high - one.low, other.high - other.low
    return (0, 1) if width == other_width else (0,) if width > other_width else (1,)


def replace(space: Space, node: Node[V] | None, gone: Collection[int], new: Sequence[Entry[V]]) -> Node[V] | None:
    """The tree without the entries of the keys that are gone, and with the new ones. Shares what stays the same."""
    if node is None:
        return _build(space, sorted(new, key=_KEY))
    if not gone and not new:
        return node
    if not node.children:
        left = [entry for entry in node.entries if entry.key not in gone]
        return _build(space, sorted((*left, *new), key=_KEY))
    shift = space.shift(space.length(node))
    children = {child.low >> shift: child for child in node.children}
    gone_at, new_at = _grouped(gone, lambda key: key >> shift), _grouped(new, lambda entry: entry.key >> shift)
    parts = [replace(space, children.get(at), gone_at.get(at, ()), new_at.get(at, ())) for at in {*children, *new_at}]
    return _join(space, sorted((part for part in parts if part is not None), key=lambda part: part.low))


def _build(space: Space, entries: Sequence[Entry[V]]) -> Node[V] | None:
    """The tree of entries that are in order."""
    if not entries:
        return None
    low, high, rules = entries[0].key, entries[-1].key, sum(entry.rules for entry in entries)
    if len(entries) == 1 or rules <= space.few_rules:
        return Node(low, high, rules, tuple(entries))
    shift = space.shift(space.common(low, high))
    children = [_build(space, list(group)) for _, group in groupby(entries, key=lambda entry: entry.key >> shift)]
    return Node(low, high, rules, children=tuple(child for child in children if child is not None))


def _join(space: Space, parts: Sequence[Node[V]]) -> Node[V] | None:
    """One tree of several that have no bits in common, in order."""
    if len(parts) < 2:
        return parts[0] if parts else None
    low, high, rules = parts[0].low, parts[-1].high, sum(part.rules for part in parts)
    if rules <= space.few_rules:
        return Node(low, high, rules, tuple(entry for part in parts for leaf in walk(part) for entry in leaf.entries))
    shift = space.shift(space.common(low, high))
    pieces = [piece for part in parts for piece in _pieces(space, part, shift)]
    children = [_join(space, list(group)) for _, group in groupby(pieces, key=lambda piece: piece.low >> shift)]
    return Node(low, high, rules, children=tuple(child for child in children if child is not None))


def _pieces(space: Space, node: Node[V], shift: int) -> Sequence[Node[V]]:
    """The node, or its parts if it spans several slots."""
    if node.low >> shift == node.high >> shift:
        return (node,)
    if node.children:
        return node.children
    groups = [list(group) for _, group in groupby(node.entries, key=lambda entry: entry.key >> shift)]
    return [piece for piece in (_build(space, group) for group in groups) if piece is not None]


def _grouped(items: Iterable[T], slot: Callable[[T], int]) -> dict[int, list[T]]:
    groups: dict[int, list[T]] = {}
    for item in items:
        groups.setdefault(slot(item), []).append(item)
    return groups


_KEY = attrgetter("key")
