"""All of aggregation, put together."""

from __future__ import annotations

import asyncio

from master.apiserver.aggregation.registering import Registering
from master.apiserver.aggregation.services import ApiServices
from master.apiserver.registry.registry import Registry
from master.apiserver.watchcache.cache import Cache


class Aggregator:
    """`start` once the cache is loaded and custom kinds are served, then `run` for ever."""

    def __init__(self, cache: Cache, registry: Registry) -> None:
        self.services = ApiServices(cache)
        self._registering = Registering(cache, registry, self.services)

    def start(self) -> None:
        """From now on it is known who serves what."""
        self.services.start()

    async def run(self) -> None:
        """Keep APIServices, and look whether they can be reached."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._registering.run())
