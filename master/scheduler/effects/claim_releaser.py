"""Takes back what claims were given: pods that found no node give them up, those that were not bound leave them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from functools import partial

from master.scheduler.cache.device_claims import DeviceClaims
from master.scheduler.cache.storage import ClaimName
from podlab.api.objects import key
from podlab.api.pods import resourceclaims
from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, NotFound
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim

log = logging.getLogger(__name__)


class ClaimReleaser:
    """`deallocate`, `delete` and `leave` never wait; `run` does it. What fails is told, and not tried again.

    Then the pod is tried again, and finds the claim as it is.
    """

    def __init__(self, client: Client, devices: DeviceClaims) -> None:
        self._client = client
        self._devices = devices
        self._queue: asyncio.Queue[Callable[[], Coroutine[None, None, None]]] = asyncio.Queue()

    def deallocate(self, name: ClaimName, pod: Pod) -> None:
        """The claim gives back its devices, for nobody but the pod uses it, which cannot where it has them."""
        claim = self._devices.claims.get(name)
        if claim is not None:
            self._queue.put_nowait(partial(self._deallocate, name, claim, pod))

    def leave(self, names: Iterable[ClaimName], pod: Pod) -> None:
        """The pod was not bound: it does not use the claims."""
        for name in names:
            claim = self._devices.claims.get(name)
            if claim is not None and resourceclaims.is_reserved_for(pod, claim):
                self._queue.put_nowait(partial(self._leave, name, claim, pod))

    def delete(self, name: ClaimName, pod: Pod) -> None:
        """The claim goes that was made for extended resources of the pod, which was not bound."""
        claim = self._devices.claims.get(name)
        if claim is not None:
            self._queue.put_nowait(partial(self._delete, name, claim, pod))

    async def run(self) -> None:
        """Writes until cancelled, one after the other."""
        while True:
            write = await self._queue.get()
            try:
                await write()
            except NotFound:
                continue  # nobody has to give back what is gone
            except ApiError as error:
                log.warning("a claim is not released: %s", error)

    async def _deallocate(self, name: ClaimName, claim: ResourceClaim, pod: Pod) -> None:
        changed = ResourceClaim()
        changed.CopyFrom(claim)
        changed.status.Clear()
        self._devices.stored(name, await self._client.update_status(changed))
        log.info("ResourceClaim/%s/%s gives back its devices, for %s", *name, key(pod))

    async def _delete(self, name: ClaimName, claim: ResourceClaim, pod: Pod) -> None:
        changed = ResourceClaim()
        changed.CopyFrom(claim)
        del changed.metadata.finalizers[:]
        changed.metadata.finalizers.extend(
            each for each in claim.metadata.finalizers if each != resourceclaims.FINALIZER
        )
        if changed.metadata.finalizers != claim.metadata.finalizers:
            await self._client.update(changed)
        await self._client.delete(ResourceClaim, name[1], name[0])
        log.info("ResourceClaim/%s/%s goes, for %s", *name, key(pod))

    async def _leave(self, name: ClaimName, claim: ResourceClaim, pod: Pod) -> None:
        """By a patch, which needs not know who else uses the claim."""
        uid = pod.metadata.uid
        patch = {"metadata": {"uid": claim.metadata.uid}, "status": {"reservedFor": [{"$patch": "delete", "uid": uid}]}}
        written = await self._client.patch(ResourceClaim, name[1], name[0], patch=patch, subresource="status")
        self._devices.stored(name, written)
        log.info("ResourceClaim/%s/%s is no longer reserved for %s", *name, key(pod))
