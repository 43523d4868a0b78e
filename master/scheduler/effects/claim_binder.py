"""Writes what a pod's ResourceClaims were given, before the pod is bound: Kubernetes' PreBind of DynamicResources."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from master.scheduler.cache.device_claims import DeviceClaims, PodDevices
from master.scheduler.cache.storage import ClaimName
from master.scheduler.cycle.assumed_pod import AssumedPod
from master.scheduler.devices import readiness
from master.scheduler.devices.extended import ExtendedClaim
from master.scheduler.effects.pending_pods import PendingPods
from podlab.api.objects import Key, key
from podlab.api.pods import resourceclaims
from podlab.api.serializer import codec
from podlab.api.values import times
from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod, PodExtendedResourceClaimStatus
from podlab.errors import ApiError, Conflict, InternalError, NotFound, Timeout
from podlab.resource.v1.resourceclaim_pb2 import AllocationResult, ResourceClaim

log = logging.getLogger(__name__)

# How often a write is tried whose claim has changed meanwhile.
TRIES = 5


class ClaimBinder:
    """Calls `ready` with the pods given to `enqueue` once their claims are written and devices ready, or `failed`.

    `pending` gives a pod that is not bound yet. `timeouts_s` are how long devices may take, by scheduler name.
    `waiting` is called with a pod and its node when its devices take time.
    """

    def __init__(
        self,
        client: Client,
        devices: DeviceClaims,
        *,
        timeouts_s: Mapping[str, float],
        pending: Callable[[Key], Pod | None],
        ready: Callable[[Sequence[AssumedPod]], None],
        failed: Callable[[AssumedPod, ApiError], None],
        waiting: Callable[[Pod, str], None],
    ) -> None:
        self._client = client
        self._devices = devices
        self._timeouts_s = timeouts_s
        self._pods = PendingPods(pending)
        self._ready = ready
        self._failed = failed
        self._waiting = waiting
        self._queue: asyncio.Queue[tuple[AssumedPod, PodDevices]] = asyncio.Queue()

    def enqueue(self, assumed_pods: Sequence[AssumedPod]) -> None:
        """Pods without claims are ready at once."""
        at_once = []
        for each in assumed_pods:
            planned = self._devices.reserved_for(each.info.uid)
            if planned is None:
                at_once.append(each)
            else:
                self._queue.put_nowait((each, planned))
        self._ready(at_once)

    def wake(self) -> None:
        """To be called when claims have changed."""
        self._pods.wake()

    async def run(self) -> None:
        """Writes claims until cancelled, of all pods at the same time."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._bind_claims(*await self._queue.get()))

    async def _bind_claims(self, assumed: AssumedPod, planned: PodDevices) -> None:
        pod = assumed.info.pod
        try:
            for name in planned.claims:
                await self._bind_claim(name, planned.allocations.get(name), pod)
            if planned.extended is not None:
                await self._create_claim(planned.extended, pod)
            await self._devices_ready(assumed, planned)
        except ApiError as error:
            log.warning("%s: its claims are not bound: %s", key(pod), error)
            self._failed(assumed, error)
        else:
            self._ready([assumed])

    async def _bind_claim(self, name: ClaimName, allocation: AllocationResult | None, pod: Pod) -> None:
        """Writes the allocation, and that the pod may use the claim."""
        claim = self._claim(name)
        if allocation is None and resourceclaims.is_reserved_for(pod, claim):
            return
        for attempt in range(1, TRIES + 1):
            try:
                written = await self._write(claim, allocation, pod)
            except Conflict:
                if attempt == TRIES:
                    raise
                claim = await self._client.get(ResourceClaim, name[1], name[0])
            else:
                self._devices.stored(name, written)
                log.info("ResourceClaim/%s/%s is reserved for %s", *name, key(pod))
                return

    async def _create_claim(self, planned: tuple[ExtendedClaim, AllocationResult], pod: Pod) -> None:
        """Creates the claim for the pod's extended resources, and tells its kubelet."""
        made, allocation = planned
        wanted = ResourceClaim()
        wanted.CopyFrom(made.claim)
        wanted.metadata.uid = ""
        created = await self._client.create(wanted)
        name = created.metadata.namespace, created.metadata.name
        self._devices.created(name, created)
        log.info("ResourceClaim/%s/%s is for the extended resources of %s", *name, key(pod))
        await self._bind_claim(name, allocation, pod)
        told = PodExtendedResourceClaimStatus(requestMappings=made.mappings, resourceClaimName=name[1])
        patch = {"status": {"extendedResourceClaimStatus": codec.part_to_dict(told)}}
        await self._client.patch(Pod, pod.metadata.name, pod.metadata.namespace, patch=patch, subresource="status")

    async def _write(self, claim: ResourceClaim, allocation: AllocationResult | None, pod: Pod) -> ResourceClaim:
        reference = f"{claim.metadata.namespace}/{claim.metadata.name}"
        if claim.metadata.HasField("deletionTimestamp"):
            raise InternalError(f"claim {reference} got deleted in the meantime")
        changed = ResourceClaim()
        changed.CopyFrom(claim)
        if allocation is not None:
            if claim.status.HasField("allocation"):
                raise InternalError(f"claim {reference} got allocated elsewhere in the meantime")
            if resourceclaims.FINALIZER not in claim.metadata.finalizers:
                changed.metadata.finalizers.append(resourceclaims.FINALIZER)
                changed = await self._client.update(changed)
            changed.status.allocation.CopyFrom(allocation)
        changed.status.reservedFor.append(resourceclaims.reference_to(pod))
        if not changed.status.allocation.HasField("allocationTimestamp"):
            changed.status.allocation.allocationTimestamp.CopyFrom(times.now())
        return await self._client.update_status(changed)

    async def _devices_ready(self, assumed: AssumedPod, planned: PodDevices) -> None:
        """Waits until the drivers have made the devices ready. Raises ApiError when they do not."""
        created = self._devices.extended_claim_of(assumed.info.uid) if planned.extended is not None else None
        claims = (*planned.claims, *([created] if created is not None else []))
        waited_for = [name for name in claims if readiness.must_be_waited_for(self._claim(name))]
        if not waited_for:
            return
        pod = assumed.info.pod
        self._waiting(pod, assumed.node_name)
        timeout_s = self._timeouts_s[pod.spec.schedulerName]
        while not all(self._is_ready(self._claim(name), timeout_s) for name in waited_for):
            await self._pods.wait(pod)

    def _is_ready(self, claim: ResourceClaim, timeout_s: float) -> bool:
        """Raises ApiError when it will not be: then it is to be given other devices."""
        if why := readiness.why_failed(claim):
            self._devices.binding_failed(claim)
            raise InternalError(why)
        if readiness.is_ready(claim):
            return True
        if readiness.waited_s(claim, datetime.now(UTC)) > timeout_s:
            self._devices.binding_failed(claim)
            raise Timeout(f"claim {claim.metadata.name} binding timeout")
        return False

    def _claim(self, name: ClaimName) -> ResourceClaim:
        claim = self._devices.claims.get(name)
        if claim is None:
            raise NotFound(f'resourceclaims.resource.k8s.io "{name[1]}" not found')
        return claim
