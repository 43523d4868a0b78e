"""Keeps an IPAddress for each Service's address, and none for Services that are gone.

The registry writes and deletes them with their Services. What is mended here is what others did: an IPAddress that a
user deleted, and what a release before kept in another form.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from master.apiserver.registry import service_addresses
from master.apiserver.registry.allocation import ServiceAllocator
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CachedObject
from master.store.contract import Delete, Put
from master.store.errors import Closed, Mismatch, StoreError
from podlab.api import kinds
from podlab.api.selection.labels import ADDRESS_ALLOCATOR, ADDRESS_MANAGED_BY
from podlab.api.values.ipfamilies import Network, family_of
from podlab.core.v1.service_pb2 import Service
from podlab.networking.v1.serviceaddresses_pb2 import IPAddress, ServiceCIDR

EVERY_S = 10.0
# Before there were IPAddresses, addresses were claimed here, as node ports still are.
FORMER_CLAIMS = keys.claim_key("clusterIPs", "")

log = logging.getLogger(__name__)


def service_allocator(cache: Cache, defaults: Sequence[Network], chance: random.Random) -> ServiceAllocator:
    """The one of a server: it follows the ServiceCIDRs, IPAddresses and claims that the cache knows.

    `defaults` are the configured networks, one of each family, that of the default family first.
    """
    cidrs, addresses = cache.window(kinds.of(ServiceCIDR)), cache.window(kinds.of(IPAddress))

    def networks() -> Sequence[Network]:
        found = (entry.message_as(ServiceCIDR) for entry in cidrs.entries.values())
        return service_addresses.networks(defaults, found)

    return ServiceAllocator(
        networks,
        families=[family_of(str(one)) for one in defaults],
        addresses=lambda: addresses.entries,
        ports=lambda: cache.claims,
        chance=chance,
    )


@dataclass(slots=True)
class ServiceAddresses:
    """Call `ensure` once before the server answers, and let `run` run until the store is closed."""

    cache: Cache
    _seen: tuple[int, int] = field(default=(-1, -1), init=False)
    """The revisions at which Services and IPAddresses had changed last when all was looked at."""

    async def run(self) -> None:
        """Call `ensure` every EVERY_S seconds until the store is closed."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.ensure()
            except Closed:
                return
            except StoreError as error:
                log.warning("cannot keep the addresses of Services: %s; again in %.0f s", error, EVERY_S)

    async def ensure(self) -> None:
        """Write the IPAddresses that are missing, and delete those that are nobody's. Raises StoreError."""
        await self.cache.reach(await self.cache.moments.now())
        services, addresses = (self.cache.window(kinds.of(message)) for message in (Service, IPAddress))
        changed = services.changed_at, addresses.changed_at
        if changed == self._seen:
            return
        self._seen = changed
        operations: list[Put | Delete] = [*self._missing(), *self._left_over(), *self._former_claims()]
        for operation in operations:
            try:
                await self.cache.store.commit([operation])
            except Mismatch:
                log.debug("%s was changed meanwhile: looked at again next time", operation.key)

    def _missing(self) -> Iterator[Put]:
        addresses = self.cache.window(kinds.of(IPAddress)).entries
        for service, address in self._held():
            key = service_addresses.address_key(address)
            if key not in addresses:
                log.info("Service %s/%s has its IPAddress again", service.metadata.namespace, service.metadata.name)
                yield Put(key, service_addresses.new_address(service, address), 0)

    def _left_over(self) -> Iterator[Delete]:
        """Of addresses that were given to Services, those whose Service is gone or has another."""
        had = {
            (service.metadata.namespace, service.metadata.name, service_addresses.canonical(address))
            for service, address in self._held()
        }
        for entry in self.cache.window(kinds.of(IPAddress)).entries.values():
            address = entry.message_as(IPAddress)
            if address.metadata.labels.get(ADDRESS_MANAGED_BY) != ADDRESS_ALLOCATOR:
                continue
            parent = address.spec.parentRef
            if (parent.namespace, parent.name, address.metadata.name) not in had:
                log.info("IPAddress %s is no Service's: deleted", address.metadata.name)
                yield Delete(entry.key, entry.revision)

    def _former_claims(self) -> Iterator[Delete]:
        return (Delete(key, None) for key in self.cache.claims if key.startswith(FORMER_CLAIMS))

    def _held(self) -> Iterator[tuple[Service, str]]:
        """Each Service with each of its addresses."""
        entries: Iterator[CachedObject] = iter(self.cache.window(kinds.of(Service)).entries.values())
        for entry in entries:
            service = entry.message_as(Service)
            yield from ((service, address) for address in service_addresses.addresses(service))
