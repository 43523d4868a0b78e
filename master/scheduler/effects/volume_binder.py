"""Binds the claims of a pod before the pod itself: Kubernetes' PreBind of VolumeBinding."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from master.scheduler.cache.storage import ClaimName, PodVolumes, Storage
from master.scheduler.cycle.assumed_pod import AssumedPod
from master.scheduler.effects.pending_pods import PendingPods
from podlab.api.objects import Key, key
from podlab.api.pods import volumes
from podlab.api.pods.volumes import SELECTED_NODE
from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.errors import ApiError, Conflict, NotFound, Timeout

log = logging.getLogger(__name__)


class VolumeBinder:
    """Calls `ready` with the pods given to `enqueue` once their claims are bound, or `failed`.

    `pending` gives a pod that is not bound yet. `timeouts_s` are the profiles' bindTimeoutSeconds, by scheduler name.
    """

    def __init__(
        self,
        client: Client,
        storage: Storage,
        *,
        timeouts_s: Mapping[str, float],
        pending: Callable[[Key], Pod | None],
        ready: Callable[[Sequence[AssumedPod]], None],
        failed: Callable[[AssumedPod, ApiError], None],
    ) -> None:
        self._client = client
        self._storage = storage
        self._timeouts_s = timeouts_s
        self._pods = PendingPods(pending)
        self._ready = ready
        self._failed = failed
        self._queue: asyncio.Queue[AssumedPod] = asyncio.Queue()

    def enqueue(self, assumed_pods: Sequence[AssumedPod]) -> None:
        """Pods without claims to bind are ready at once."""
        at_once = []
        for each in assumed_pods:
            if self._storage.reserved_for(each.info.uid) is None:
                at_once.append(each)
            else:
                self._queue.put_nowait(each)
        self._ready(at_once)

    async def run(self) -> None:
        """Binds claims until cancelled, of all pods at the same time: most of it is waiting for others."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._bind_claims(await self._queue.get()))

    async def _bind_claims(self, assumed: AssumedPod) -> None:
        planned = self._storage.reserved_for(assumed.info.uid)
        assert planned is not None, f"{key(assumed.info.pod)} has no claims to bind"
        timeout_s = self._timeouts_s[assumed.info.pod.spec.schedulerName]
        try:
            async with asyncio.timeout(timeout_s):
                written = await self._write(planned)
                while not self._is_done(planned, written):
                    await self._pods.wait(assumed.info.pod)
        except TimeoutError:
            self._give_up(assumed, Timeout(f"binding volumes: no volume within {timeout_s:.0f} s"))
        except ApiError as error:
            self._give_up(assumed, error)
        else:
            self._ready([assumed])

    def wake(self) -> None:
        """To be called when claims or volumes changed."""
        self._pods.wake()

    def _give_up(self, assumed: AssumedPod, error: ApiError) -> None:
        log.warning("%s: its volumes are not bound: %s", key(assumed.info.pod), error)
        self._failed(assumed, error)

    async def _write(self, planned: PodVolumes) -> dict[ClaimName, int]:
        """Writes the volumes and claims. Returns the versions of the claims to provision. Raises ApiError."""
        for name, volume in planned.static_bindings:
            changed_volume = volumes.given_to(self._volume(volume), self._claim(name))
            await self._client.update(changed_volume)
            log.info("PersistentVolume/%s is kept for claim %s/%s", volume, *name)
        written: dict[ClaimName, int] = {}
        for name in planned.dynamic_provisions:
            claim = self._claim(name)
            if claim.metadata.annotations.get(SELECTED_NODE) != planned.node:
                changed = PersistentVolumeClaim()
                changed.CopyFrom(claim)
                changed.metadata.annotations[SELECTED_NODE] = planned.node
                claim = await self._client.update(changed)
                log.info("PersistentVolumeClaim/%s/%s gets its volume on %s", *name, planned.node)
            written[name] = int(claim.metadata.resourceVersion)
        return written

    def _is_done(self, planned: PodVolumes, written: dict[ClaimName, int]) -> bool:
        """Whether all claims are bound. Raises ApiError when one cannot be bound any more."""
        for name in planned.claims:
            claim = self._claim(name)
            if volumes.is_bound(claim):
                continue
            is_current = name in written and int(claim.metadata.resourceVersion) >= written[name]
            if is_current and claim.metadata.annotations.get(SELECTED_NODE) != planned.node:
                raise Conflict(f'selectedNode annotation reset for PVC "{name[1]}"')
            return False
        return True

    def _claim(self, name: ClaimName) -> PersistentVolumeClaim:
        claim = self._storage.claims.get(name)
        if claim is None:
            raise NotFound(f'persistentvolumeclaims "{name[1]}" not found')
        return claim

    def _volume(self, name: str) -> PersistentVolume:
        volume = self._storage.volumes.get(name)
        if volume is None:
            raise NotFound(f'persistentvolumes "{name}" not found')
        return volume
