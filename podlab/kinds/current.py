"""The catalog as it is now, and those who follow it while it changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from podlab.api.kinds import GroupKind
from podlab.kinds.catalog import Catalog
from podlab.kinds.resource import Resource

Follower = Callable[[Catalog], None]


class CurrentCatalog:
    """Lives in one event loop. Followers are called one after the other, before a change returns."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._followers: list[Follower] = []

    def follow(self, follower: Follower) -> None:
        """Call it with the catalog now, and with each that takes its place."""
        follower(self.catalog)
        self._followers.append(follower)

    def add(self, resource: Resource) -> None:
        """From now on there is this kind too, or it is as this says."""
        self.change([resource])

    def remove(self, group_kind: GroupKind) -> None:
        """From now on there is no such kind. What is stored of it stays where it is, and is seen by nobody."""
        self.change((), [group_kind])

    def change(self, added: Iterable[Resource], removed: Collection[GroupKind] = ()) -> None:
        """From now on these are not there, and those are: one change for all of them."""
        self.become(self.catalog.changed(added, removed))

    def become(self, catalog: Catalog) -> None:
        """From now on these kinds are there."""
        self.catalog = catalog
        for follower in self._followers:
            follower(self.catalog)
