"""Which connections may stay: those that ask, always; those that say nothing, for a while and within bounds. Pure.

A connection is silent until its first request has come in whole, and again between requests. When there are too many
of an address, or of all, the one that has been silent for longest makes room: whoever asks gets in.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Visitor = TypeVar("Visitor")

# TLS and the head of the first request have so long to arrive.
FIRST_LIMIT_S = 10.0
# Between requests, as a server behind it all expects of pooled connections.
IDLE_LIMIT_S = 90.0
SILENT_OF_ADDRESS = 1024
SILENT = 4096
ALL = 10_000


@dataclass
class _Address:
    """The silent ones of an address, with the time at which they have to go; those that never asked apart."""

    fresh: OrderedDict[object, float] = field(default_factory=OrderedDict)
    idle: OrderedDict[object, float] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return len(self.fresh) + len(self.idle)


@dataclass
class ConnectionLimits(Generic[Visitor]):
    """Times are in seconds, of any clock that only goes forward."""

    first_limit_s: float = FIRST_LIMIT_S
    idle_limit_s: float = IDLE_LIMIT_S
    silent_of_address: int = SILENT_OF_ADDRESS
    silent: int = SILENT
    all: int = ALL
    _addresses: dict[str, _Address] = field(default_factory=dict)
    _at: dict[Visitor, str] = field(default_factory=dict)
    _silent: int = 0

    def __len__(self) -> int:
        return len(self._at)

    def arrive(self, visitor: Visitor, address: str, now: float) -> Visitor | None:
        """A new connection. Who has to go for it: an older one, or itself when there is no silent one."""
        self._at[visitor] = address
        home = self._addresses.setdefault(address, _Address())
        home.fresh[visitor] = now + self.first_limit_s
        self._silent += 1
        crowd: _Address | None = None
        if len(home) > self.silent_of_address:
            crowd = home
        elif self._silent > self.silent or len(self._at) > self.all:
            crowd = max(self._addresses.values(), key=len)
        if crowd is None:
            return None
        victim: Visitor = next(iter(crowd.fresh or crowd.idle))  # type: ignore[assignment]
        self.leave(victim)
        return victim

    def speaks(self, visitor: Visitor) -> None:
        """A request of the connection has come in."""
        self._hush(visitor)

    def rests(self, visitor: Visitor, now: float) -> None:
        """The request has been answered."""
        address = self._at.get(visitor)
        if address is not None:
            self._hush(visitor)
            self._addresses.setdefault(address, _Address()).idle[visitor] = now + self.idle_limit_s
            self._silent += 1

    def leave(self, visitor: Visitor) -> None:
        """The connection is gone; nothing happens when that is known."""
        self._hush(visitor)
        self._at.pop(visitor, None)

    def overdue(self, now: float) -> Iterator[Visitor]:
        """Those that have been silent for too long: they count as gone."""
        for address in list(self._addresses):
            home = self._addresses[address]
            for line in (home.fresh, home.idle):
                late = []
                for visitor, until in line.items():
                    if until > now:
                        break
                    late.append(visitor)
                for visitor in late:
                    self.leave(visitor)  # type: ignore[arg-type]
                    yield visitor  # type: ignore[misc]

    def _hush(self, visitor: Visitor) -> None:
        """Take the connection out of the silent ones."""
        address = self._at.get(visitor)
        home = self._addresses.get(address) if address is not None else None
        if address is None or home is None:
            return
        for line in (home.fresh, home.idle):
            if line.pop(visitor, None) is not None:
                self._silent -= 1
        if not len(home):
            del self._addresses[address]
