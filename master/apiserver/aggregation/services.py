"""The APIServices that there are, by the group version that each is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from master.apiserver.aggregation import priorities
from master.apiserver.aggregation.priorities import ApiServicePriority, GroupVersion
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CacheEvent
from podlab.api import kinds
from podlab.apiregistration.v1.apiservice_pb2 import APIService


class ApiServices:
    """Follows the watch cache, from `start` on. Lives in the event loop; what it gives must not be changed."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._kind = kinds.of(APIService)
        self._found: dict[GroupVersion, APIService] = {}
        self._remote: dict[GroupVersion, APIService] = {}
        self._followers: list[Callable[[GroupVersion], None]] = []
        self.version = 1
        """Another one when there is a change."""

    def start(self) -> None:
        """Once the cache is loaded."""
        self._cache.window(self._kind).follow(self._changed)

    def follow(self, follower: Callable[[GroupVersion], None]) -> None:
        """Call it with the group version of each APIService, now and when it changes, comes or goes."""
        for at in self._found:
            follower(at)
        self._followers.append(follower)

    def get(self, at: GroupVersion) -> APIService | None:
        """The APIService of the group version."""
        return self._found.get(at)

    def remote(self, at: GroupVersion) -> APIService | None:
        """The one that says which other server answers for the group version; None when this one does."""
        return self._remote.get(at)

    @property
    def remotes(self) -> Mapping[GroupVersion, APIService]:
        """All of those."""
        return self._remote

    def priorities(self) -> Iterator[tuple[GroupVersion, ApiServicePriority]]:
        """What each says of how it is preferred."""
        for at, service in self._found.items():
            yield at, ApiServicePriority(service.spec.groupPriorityMinimum, service.spec.versionPriority)

    def _changed(self, event: CacheEvent) -> None:
        self.version += 1
        at = named(event.key.rpartition("/")[2])
        self._found.pop(at, None)
        self._remote.pop(at, None)
        if event.new is not None:
            service = event.new.message_as(APIService)
            self._found[at] = service
            if service.spec.HasField("service") and at.group != priorities.OWN:
                self._remote[at] = service
        for follower in self._followers:
            follower(at)


def named(name: str) -> GroupVersion:
    """What an APIService of that name is about."""
    version, _, group = name.partition(".")
    return GroupVersion(group, version)
