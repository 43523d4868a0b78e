"""All of aggregation, put together."""

from __future__ import annotations

import asyncio

from master.apiserver.aggregation import priorities, registration
from master.apiserver.aggregation.checking import Checking
from master.apiserver.aggregation.contents import NamespaceContents
from master.apiserver.aggregation.documents import Documents, RemoteDocuments
from master.apiserver.aggregation.kinds import RemoteKinds
from master.apiserver.aggregation.priorities import GroupVersion
from master.apiserver.aggregation.registering import Registering
from master.apiserver.aggregation.remote import RemoteServers
from master.apiserver.aggregation.services import ApiServices
from master.apiserver.egress.client import EgressClient
from master.apiserver.registry.registry import Registry
from master.apiserver.settings import FrontProxySettings
from master.apiserver.watchcache.cache import Cache


class Aggregator:
    """`start` once the cache is loaded and custom kinds are served, then `run` for ever."""

    def __init__(
        self, cache: Cache, registry: Registry, egress: EgressClient, front_proxy: FrontProxySettings | None
    ) -> None:
        self.services = ApiServices(cache)
        self.servers = RemoteServers(egress, front_proxy)
        self.documents = RemoteDocuments(self.services, self.servers)
        self.kinds = RemoteKinds(cache.kinds, self.services, self.documents)
        self.contents = NamespaceContents(self.services, self.servers, self.documents)
        self._cache = cache
        self._registering = Registering(cache, registry, self.services)
        self._checking = Checking(cache, registry, self.services, self.servers)
        self._order: dict[str, list[str]] = {}
        self._order_of = (0, 0)

    def start(self) -> None:
        """From now on it is known who serves what."""
        self.services.start()
        self.kinds.start()

    async def run(self) -> None:
        """Keep APIServices, look whether they can be reached, and read what others serve."""
        async with asyncio.TaskGroup() as group:
            for loop in (self._registering, self._checking, self.documents):
                group.create_task(loop.run())

    def elsewhere(self, group: str, version: str) -> Documents | None:
        """What another server says of the group version; None when this one answers."""
        return self.documents.known.get(GroupVersion(group, version))

    def order(self) -> dict[str, list[str]]:
        """The groups that there are, whoever serves them, with their versions: the ones to prefer first."""
        catalog = self._cache.catalog
        if self._order_of != (of := (catalog.version, self.services.version)):
            found = {at: priorities.of(at, custom=custom) for at, custom in registration.served(catalog)}
            said = dict(self.services.priorities())
            there = found.keys() | self.services.remotes.keys()
            self._order = priorities.ordered({at: said.get(at) or found[at] for at in there})
            self._order_of = of
        return self._order
