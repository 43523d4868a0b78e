"""All Services as a node exposes them, and what a change of some of them changes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from node.proxy.frontends import Exposure, Frontend, Place

# (namespace, name)
ServiceName = tuple[str, str]
NOTHING = Exposure()


@dataclass(frozen=True)
class Delta:
    """What goes and what comes: places of Services, and addresses of endpoints on this node."""

    gone: tuple[Frontend, ...] = ()
    new: tuple[Frontend, ...] = ()
    gone_own: frozenset[str] = frozenset()
    new_own: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.gone or self.new or self.gone_own or self.new_own)


class Exposures:
    """Each place is one Service's: of several that claim it, that whose name comes first."""

    def __init__(self) -> None:
        self._exposures: dict[ServiceName, Exposure] = {}
        self._claims: dict[Place, tuple[Frontend, ...]] = {}
        self._own: Counter[str] = Counter()

    def names(self) -> Collection[ServiceName]:
        return self._exposures.keys()

    def frontends(self) -> Iterator[Frontend]:
        """One for each place."""
        return (claims[0] for claims in self._claims.values())

    def at(self, place: Place) -> Frontend | None:
        """Whose a place is."""
        claims = self._claims.get(place)
        return claims[0] if claims else None

    def own_endpoints(self) -> Collection[str]:
        return self._own.keys()

    def change(self, changed: Mapping[ServiceName, Exposure]) -> Delta:
        """Takes in how these Services are exposed from now on. One that is gone is exposed nowhere."""
        pairs = [(self._exposures.get(name, NOTHING), new) for name, new in changed.items()]
        pairs = [(old, new) for old, new in pairs if old != new]
        places = {frontend.place for pair in pairs for each in pair for frontend in each.frontends}
        addresses = {address for old, new in pairs for address in old.own_endpoints ^ new.own_endpoints}
        before, own_before = self._winners(places), addresses & self._own.keys()
        for old, new in pairs:
            self._replace(old, new)
        for name, new in changed.items():
            if new == NOTHING:
                self._exposures.pop(name, None)
            else:
                self._exposures[name] = new
        after, own_after = self._winners(places), addresses & self._own.keys()
        return Delta(
            tuple(was for place, was in before.items() if after.get(place) != was),
            tuple(now for place, now in after.items() if before.get(place) != now),
            frozenset(own_before - own_after),
            frozenset(own_after - own_before),
        )

    def _winners(self, places: Collection[Place]) -> dict[Place, Frontend]:
        return {place: self._claims[place][0] for place in places if place in self._claims}

    def _replace(self, old: Exposure, new: Exposure) -> None:
        for frontend in old.frontends:
            left = tuple(each for each in self._claims[frontend.place] if each != frontend)
            if left:
                self._claims[frontend.place] = left
            else:
                del self._claims[frontend.place]
        for frontend in new.frontends:
            claims = (*self._claims.get(frontend.place, ()), frontend)
            self._claims[frontend.place] = tuple(sorted(claims, key=lambda each: each.name))
        self._own.update(new.own_endpoints)
        self._own.subtract(old.own_endpoints)
        for address in old.own_endpoints - new.own_endpoints:
            if not self._own[address]:
                del self._own[address]
