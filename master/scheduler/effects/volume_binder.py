"""Gives claims their volume, or their node, before the pod that waits for them is bound: Kubernetes' PreBind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from master.scheduler.cache.storage import ClaimName, Plan, Storage
from master.scheduler.cycle.assumed_pod import AssumedPod
from podlab.api import volumes
from podlab.api.objects import Key, key
from podlab.api.volumes import SELECTED_NODE
from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.errors import ApiError, Conflict, NotFound, Timeout

log = logging.getLogger(__name__)

# A pod that is deleted while it waits is noticed this late.
LOOK_S = 5.0


class VolumeBinder:
    """`put` what is assumed; it is `ready` once its claims are bound, or `failed`. `waits` gives pods not yet bound,
    `timeouts_s` by scheduler name how long volumes may be in the making (Kubernetes' bindTimeoutSeconds)."""

    def __init__(
        self,
        client: Client,
        storage: Storage,
        *,
        timeouts_s: Mapping[str, float],
        waits: Callable[[Key], Pod | None],
        ready: Callable[[Sequence[AssumedPod]], None],
        failed: Callable[[AssumedPod, ApiError], None],
    ) -> None:
        self._client = client
        self._storage = storage
        self._timeouts_s = timeouts_s
        self._waits = waits
        self._ready = ready
        self._failed = failed
        self._preparing: asyncio.Queue[AssumedPod] = asyncio.Queue()
        self._changed = asyncio.Event()

    def put(self, found: Sequence[AssumedPod]) -> None:
        """Those without anything to prepare are ready at once."""
        at_once = []
        for each in found:
            if self._storage.plan_of(each.info.uid) is None:
                at_once.append(each)
            else:
                self._preparing.put_nowait(each)
        self._ready(at_once)

    async def run(self) -> None:
        """Prepares until cancelled, all at the same time: each waits for others than us."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._prepare(await self._preparing.get()))

    async def _prepare(self, assumed: AssumedPod) -> None:
        plan, at = self._storage.plan_of(assumed.info.uid), key(assumed.info.pod)
        assert plan is not None, f"{at} has nothing to prepare"
        timeout_s = self._timeouts_s[assumed.info.pod.spec.schedulerName]
        try:
            async with asyncio.timeout(timeout_s):
                written = await self._write(plan)
                while not self._is_done(plan, written):
                    pod = self._waits(at)
                    if pod is None or pod.metadata.uid != assumed.info.uid:
                        raise NotFound(f"{at} waits no more")
                    await self._change()
        except TimeoutError:
            self._give_up(assumed, Timeout(f"binding volumes: no volume within {timeout_s:.0f} s"))
        except ApiError as error:
            self._give_up(assumed, error)
        else:
            self._ready([assumed])

    def wake(self) -> None:
        """Claims or volumes are other than before."""
        before, self._changed = self._changed, asyncio.Event()
        before.set()

    async def _change(self) -> None:
        """Returns when there may be something new."""
        try:
            async with asyncio.timeout(LOOK_S):
                await self._changed.wait()
        except TimeoutError:
            return

    def _give_up(self, assumed: AssumedPod, error: ApiError) -> None:
        log.warning("%s: its volumes are not bound: %s", key(assumed.info.pod), error)
        self._failed(assumed, error)

    async def _write(self, plan: Plan) -> dict[ClaimName, int]:
        """The versions of the claims that were told of the node. Raises ApiError."""
        for name, volume in plan.kept:
            kept = volumes.given_to(self._volume(volume), self._claim(name))
            await self._client.update(kept)
            log.info("PersistentVolume/%s is kept for claim %s/%s", volume, *name)
        written: dict[ClaimName, int] = {}
        for name in plan.asked:
            claim = self._claim(name)
            if claim.metadata.annotations.get(SELECTED_NODE) != plan.node:
                changed = PersistentVolumeClaim()
                changed.CopyFrom(claim)
                changed.metadata.annotations[SELECTED_NODE] = plan.node
                claim = await self._client.update(changed)
                log.info("PersistentVolumeClaim/%s/%s gets its volume on %s", *name, plan.node)
            written[name] = int(claim.metadata.resourceVersion)
        return written

    def _is_done(self, plan: Plan, written: dict[ClaimName, int]) -> bool:
        """Whether all claims are bound. Raises ApiError when one will not be."""
        for name in plan.claims:
            claim = self._claim(name)
            if volumes.is_bound(claim):
                continue
            is_shown = name in written and int(claim.metadata.resourceVersion) >= written[name]
            if is_shown and claim.metadata.annotations.get(SELECTED_NODE) != plan.node:
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
