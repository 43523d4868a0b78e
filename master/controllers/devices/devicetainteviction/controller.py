"""Deletes pods when their time with a tainted device is over."""

from __future__ import annotations

import logging
import time
from typing import Final

from master.controllers.devices.devicetainteviction import decide
from master.controllers.devices.devicetainteviction.decide import DeviceAt
from master.controllers.framework.disruption import delete_disrupted
from master.controllers.framework.informers import Index, Informers
from master.controllers.framework.loop import Loop
from master.controllers.objects.podstate import is_being_deleted
from podlab.api.objects import Key, key
from podlab.api.pods import resourceclaims
from podlab.api.pods.podphase import is_terminal
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.core.v1 import pod_pb2
from podlab.resource.v1.device_pb2 import DeviceTaint
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice

log = logging.getLogger(__name__)


class DeviceTaintEvictionController:
    """Keys are pods'. Time is a trigger here: a pod is looked at when its toleration ends."""

    name: Final = "device-taint-eviction"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder
        self._pods = informers.pods
        self._claims, slices = informers.of(ResourceClaim), informers.of(ResourceSlice)
        self._pods_by_claim = Index(self._pods, _claims_used)
        self._claims_by_pool = Index(self._claims, _pools_of_claim)
        self._slices_by_pool = Index(slices, _pool_of_slice)
        self._taints: dict[tuple[str, str], dict[DeviceAt, list[DeviceTaint]]] = {}
        """By driver and pool, of pools that have tainted devices."""
        self._leaving: set[Key] = set()
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        slices.on_change(self._slice_changed)
        self._claims.on_change(self._claim_changed)
        self._pods.on_change(self._pod_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        pod = self._pods.store.get(at)
        if pod is None or is_being_deleted(pod) or is_terminal(pod):
            self._leaving.discard(at)
            return
        due, now = decide.leave_at(pod, self._used_by(pod), self._evicting(pod)), time.time()
        if due is None:
            if at in self._leaving:
                self._leaving.discard(at)
                self._record_event(pod, "Cancelling deletion")
        elif due <= now:
            await self._evict(pod)
        else:
            self._leaving.add(at)
            self._loop.queue.add_after(at, due - now)

    def _used_by(self, pod: pod_pb2.Pod) -> list[ResourceClaim]:
        """The claims that the pod names and that are there, its own or shared."""
        named = [(one, self._claims.get(one.name, pod.metadata.namespace)) for one in resourceclaims.known(pod)]
        return [
            claim
            for one, claim in named
            if claim is not None and not (one.own and resourceclaims.why_foreign(pod, claim))
        ]

    def _evicting(self, pod: pod_pb2.Pod) -> dict[DeviceAt, list[DeviceTaint]]:
        found: dict[DeviceAt, list[DeviceTaint]] = {}
        for claim in self._used_by(pod):
            for pool in _pools_of_claim(claim):
                found |= self._taints.get(pool, {})
        return found

    async def _evict(self, pod: pod_pb2.Pod) -> None:
        at = key(pod)
        self._record_event(pod, "Marking for deletion")
        await delete_disrupted(
            self._client,
            pod,
            reason="DeletionByDeviceTaintManager",
            message="Device Taint manager: deleting due to NoExecute taint",
        )
        log.info(
            "%s has to leave %s: a device of it has a NoExecute taint that is not tolerated", at, pod.spec.nodeName
        )

    def _record_event(self, pod: pod_pb2.Pod, message: str) -> None:
        self._recorder.event(pod, "Normal", "DeviceTaintManagerEviction", message)

    def _slice_changed(self, change: Change[ResourceSlice]) -> None:
        """Pods whose claims have devices of a pool are looked at when the taints of one of its devices change."""
        pools = {pool for one in (change.old, change.new) if one is not None for pool in _pool_of_slice(one)}
        for pool in pools:
            before, after = self._taints.pop(pool, {}), decide.evicting(self._slices_by_pool.get(pool))
            if after:
                self._taints[pool] = after
            changed = {at for at in before.keys() | after.keys() if before.get(at) != after.get(at)}
            if changed:
                for claim in self._claims_by_pool.get(pool):
                    if changed & decide.devices_of(claim):
                        self._look_at_users(claim)

    def _claim_changed(self, change: Change[ResourceClaim]) -> None:
        for claim in (change.old, change.new):
            if claim is not None and any(pool in self._taints for pool in _pools_of_claim(claim)):
                self._look_at_users(claim)

    def _pod_changed(self, change: Change[pod_pb2.Pod]) -> None:
        """A pod whose claims have tainted devices, or that was to leave."""
        pod = change.new or change.old
        if pod is not None and pod.spec.resourceClaims and (change.key in self._leaving or self._evicting(pod)):
            self._loop.queue.add(change.key)

    def _look_at_users(self, claim: ResourceClaim) -> None:
        for pod in self._pods_by_claim.get((claim.metadata.namespace, claim.metadata.name)):
            self._loop.queue.add(key(pod))


def _claims_used(pod: pod_pb2.Pod) -> set[tuple[str, str]]:
    return {(pod.metadata.namespace, named.name) for named in resourceclaims.known(pod)}


def _pools_of_claim(claim: ResourceClaim) -> set[tuple[str, str]]:
    return {(driver, pool) for driver, pool, _ in decide.devices_of(claim)}


def _pool_of_slice(given: ResourceSlice) -> tuple[tuple[str, str], ...]:
    return ((given.spec.driver, given.spec.pool.name),)
