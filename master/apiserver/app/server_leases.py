"""Each API server's own Lease, and by all of them, which servers there are.

A server renews its Lease every RENEW_S seconds and deletes it when it is told to stop. One that has looked the same for
its duration, on this server's own steady clock, is deleted by whichever server finds it first.
https://kubernetes.io/docs/concepts/architecture/leases/#api-server-identity
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from master.apiserver.admission.write import Write, WriteContext
from master.apiserver.authentication.user import SERVER
from master.apiserver.registry.registry import Registry
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.cached_object import CacheEvent
from master.store.contract import Delete
from master.store.errors import Closed, Mismatch, StoreError
from podlab import GIT_VERSION
from podlab.api import kinds
from podlab.api.objects import typed
from podlab.api.selection.labels import HOSTNAME_LABEL
from podlab.api.values import times
from podlab.client.leaderelection.decide import ADDRESS, BACKED_UP, NAMESPACE, VERSION, Sighting, sighted
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.errors import AlreadyExists, ApiError, Conflict, NotFound

DURATION_S = 15
RENEW_S = 5.0
IDENTITY_LABEL, IDENTITY = "apiserver.kubernetes.io/identity", "kube-apiserver"
STOP_LIMIT_S = 2.0
"""So long a stop may take to delete the Lease; the other servers do it later."""
_WRITING = WriteContext(SERVER, manager="podlab-apiserver")
_LEASE = kinds.of(Lease)

log = logging.getLogger(__name__)


def lease_name(address: str) -> str:
    """Of the server that is reached at the address (host:port)."""
    digest = hashlib.sha256(address.encode()).digest()[:16]
    return f"apiserver-{base64.b32encode(digest).decode().rstrip('=').lower()}"


@dataclass(slots=True)
class ServerLeases:
    """`ensure` before the server answers, when there are namespaces; `run` until the store is closed."""

    cache: Cache
    registry: Registry
    """Without admission."""
    host: str
    """The address at which the cluster finds this server."""
    port: int
    """Of its REST API."""
    backed_up: Callable[[], str] = lambda: ""
    """When the store was last backed up on this host; empty when it was not."""
    clock: Callable[[], float] = time.monotonic
    changed: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    """Set when servers may have come or gone: whoever waits for it clears it."""
    _identity: str = field(init=False)
    _seen: dict[str, Sighting] = field(default_factory=dict, init=False)

    @property
    def address(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"

    def __post_init__(self) -> None:
        self._identity = f"{lease_name(self.address)}_{uuid.uuid4()}"
        self.cache.window(_LEASE).follow(self._follow)

    def hosts(self) -> list[str]:
        """The address of each server that is there, this one among them, in order."""
        said = (lease.metadata.annotations.get(ADDRESS, "") for _, _, lease in self._leases())
        return sorted({self.host, *(address.rpartition(":")[0] for address in said if address)})

    def others(self) -> list[str]:
        """host:port of the REST API of each other server that is known to be there."""
        said = {lease.metadata.annotations.get(ADDRESS, "") for _, _, lease in self._leases()}
        return sorted(said - {"", self.address})

    async def run(self) -> None:
        """Call `ensure` every RENEW_S seconds until the store is closed."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self.ensure()
            except Closed:
                return
            except (ApiError, StoreError) as error:
                log.warning("cannot renew this server's Lease: %s; again in %.0f s", error, RENEW_S)

    async def ensure(self) -> None:
        """Renew the own Lease, and delete those that have run out. Raises ApiError, StoreError."""
        await self._renew()
        await self._expire()

    async def give_up(self) -> None:
        """Delete the own Lease: the server stops."""
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                found = await self.registry.get(_LEASE, NAMESPACE, lease_name(self.address))
                await self.cache.store.commit([Delete(found.key, found.revision)])
        except (ApiError, StoreError, TimeoutError) as error:
            log.info("this server's Lease stays until it has run out: %s", error or "no answer in time")

    async def _renew(self) -> None:
        try:
            stored = await self.registry.get(_LEASE, NAMESPACE, lease_name(self.address))
        except NotFound:
            lease = self._own(Lease())
            lease.spec.acquireTime.CopyFrom(lease.spec.renewTime)
            write = Write.create(_WRITING, lease)
        else:
            write = Write.update(_WRITING, self._own(typed(stored.message(), Lease)))
        try:
            await self.registry.write(write)
        except (AlreadyExists, Conflict, NotFound) as error:
            log.debug("the own Lease was changed meanwhile, and is renewed next time: %s", error)

    def _own(self, lease: Lease) -> Lease:
        lease.metadata.namespace, lease.metadata.name = NAMESPACE, lease_name(self.address)
        lease.metadata.labels.update({IDENTITY_LABEL: IDENTITY, HOSTNAME_LABEL: socket.gethostname()})
        lease.metadata.annotations.update({ADDRESS: self.address, VERSION: GIT_VERSION})
        if backed_up := self.backed_up():
            lease.metadata.annotations[BACKED_UP] = backed_up
        if lease.spec.holderIdentity != self._identity:
            lease.spec.acquireTime.CopyFrom(times.now_micro())
        lease.spec.holderIdentity = self._identity
        lease.spec.leaseDurationSeconds = DURATION_S
        lease.spec.renewTime.CopyFrom(times.now_micro())
        return lease

    async def _expire(self) -> None:
        """Each is deleted as it was seen, or not at all: it may have been renewed meanwhile."""
        await self.cache.catch_up()
        now_s = self.clock()
        self._seen = {key: sighted(self._seen.get(key), lease, now_s) for key, _, lease in self._leases()}
        for key, revision, lease in list(self._leases()):
            seen = self._seen[key]
            if lease.metadata.name == lease_name(self.address) or now_s - seen.since_s < seen.duration_s:
                continue
            try:
                await self.cache.store.commit([Delete(key, revision)])
                log.warning("API server %s is away: its Lease has run out", lease.metadata.annotations.get(ADDRESS))
            except Mismatch:
                log.debug("Lease %s was renewed at the last moment", lease.metadata.name)

    def _leases(self) -> Iterator[tuple[str, int, Lease]]:
        """Key, revision and Lease of each server."""
        for entry in self.cache.window(_LEASE).entries.values():
            lease = entry.message_as(Lease)
            if lease.metadata.namespace == NAMESPACE and lease.metadata.labels.get(IDENTITY_LABEL) == IDENTITY:
                yield entry.key, entry.revision, lease

    def _follow(self, event: CacheEvent) -> None:
        if (event.old is None or event.new is None) and "/apiserver-" in event.key:
            self.changed.set()
