"""Places for endpoints in HAProxy: which there are, which are taken, and what is to be said to change that. Pure.

Every backend has places for more endpoints than it has, so that endpoints come and go while HAProxy runs on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from node.ingress.backends import Address

LEAST = 4
# srv_admin_state: put out of service by command, by another server, or by name resolution.
_MAINTENANCE = 0x01 | 0x02 | 0x20
NOWHERE: Address = ("127.0.0.1", 1)


@dataclass(frozen=True)
class Slot:
    """A place; `live`: requests are sent there."""

    name: str
    address: Address
    live: bool


def count(endpoints: int, before: int) -> int:
    """How many places a backend gets: never fewer than it had, and doubled when they do not do."""
    wanted = max(before, LEAST)
    while wanted < endpoints:
        wanted *= 2
    return wanted


def read(text: str) -> dict[str, list[Slot]]:
    """By backend, what HAProxy answers to `show servers state`."""
    found: dict[str, list[Slot]] = {}
    names: list[str] = []
    for line in text.splitlines():
        if line.startswith("# "):
            names = line[2:].split()
        elif names and line.count(" ") >= len(names) - 1:
            row = dict(zip(names, line.split(" "), strict=False))
            live = not int(row["srv_admin_state"]) & _MAINTENANCE
            address = (row["srv_addr"], int(row["srv_port"]))
            found.setdefault(row["be_name"], []).append(Slot(row["srv_name"], address, live))
    return found


def commands(present: Mapping[str, Sequence[Slot]], wanted: Mapping[str, Iterable[Address]]) -> Iterator[str]:
    """What makes the present places hold the wanted endpoints; a backend that is not there is left out.

    Endpoints that find no place are left out, too: more places come with the next configuration.
    """
    for backend, addresses in wanted.items():
        if backend in present:
            yield from _of_backend(backend, present[backend], list(addresses))


def _of_backend(backend: str, slots: Sequence[Slot], wanted: list[Address]) -> Iterator[str]:
    left = dict.fromkeys(wanted)
    going: list[Slot] = []
    for slot in slots:
        if slot.live and slot.address in left:
            del left[slot.address]
        elif slot.live:
            going.append(slot)
    # Those that were empty before come first: what is under way to an endpoint that goes may end in its place.
    free = [slot for slot in slots if not slot.live] + going
    taken = dict(zip((slot.name for slot in free), left, strict=False))
    for name, (address, port) in taken.items():
        yield f"set server {backend}/{name} addr {address} port {port}"
        yield f"set server {backend}/{name} state ready"
    for slot in going:
        if slot.name not in taken:
            yield f"set server {backend}/{slot.name} state maint"
