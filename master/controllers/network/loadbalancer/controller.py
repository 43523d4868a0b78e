"""The control loop that gives Services of type LoadBalancer their addresses, and takes them back.

The status is the truth: what it holds is kept across restarts. Finalizer and order of writes are those of Kubernetes'
service controller: before an address is given, the Service can no longer go without us.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.lastwrites import LastWrites
from master.controllers.framework.loop import Loop
from master.controllers.network.loadbalancer.decide import LoadBalancerPlan, plan, present_addresses
from master.controllers.network.loadbalancer.held import HeldAddresses
from podlab.api.loadbalancers import CLEANUP_FINALIZER, FROM_POOL, VIP
from podlab.api.objects import Key
from podlab.api.values.addresspool import AddressPool
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.core.v1.service_pb2 import LoadBalancerStatus, Service

log = logging.getLogger(__name__)


class LoadBalancerController:
    """Keys are Services'. One worker, so that no address is given away twice."""

    name: Final = "loadbalancer"

    def __init__(self, client: Client, informers: Informers, recorder: EventRecorder, *, pool: AddressPool) -> None:
        self._client = client
        self._services = informers.services
        self._recorder = recorder
        self._pool = pool
        self._writes: LastWrites[Service] = LastWrites(informers.services)
        self._held = HeldAddresses()  # what we gave and the informer does not show yet as well
        self._waiting: set[Key] = set()
        self._told: dict[Key, str] = {}  # the last refusal that was told of
        self._loop: Loop[Key] = Loop(self.name, self.reconcile, workers=1)
        informers.services.on_change(self._changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        service = self._services.store.get(at)
        if service is None or not self._writes.is_current(service):
            return
        wanted = plan(service, self._pool, self._held, at)
        self._waiting.discard(at)
        if wanted.waits:
            self._waiting.add(at)
        if wanted.given:
            await self._give(at, service, wanted)
        elif FROM_POOL in service.metadata.annotations:
            await self._take_back(at, service)
        self._tell(at, service, wanted.refusal)

    async def _give(self, at: Key, service: Service, wanted: LoadBalancerPlan) -> None:
        before = self._held.of(at)
        self._hold(at, wanted.addresses)
        changed = _copied(service)
        changed.metadata.annotations[FROM_POOL] = ",".join(each.entry for each in wanted.given)
        if CLEANUP_FINALIZER not in changed.metadata.finalizers:
            changed.metadata.finalizers.append(CLEANUP_FINALIZER)
        if changed != service:
            changed = await self._client.update(changed)
            self._writes.note(changed)
        if changed.status.loadBalancer == _status(wanted.addresses):
            return
        lost = ", ".join(each for each in before if each not in wanted.addresses)
        changed.status.loadBalancer.CopyFrom(_status(wanted.addresses))
        self._writes.note(await self._client.update_status(changed))
        self._hold(at, wanted.addresses)  # what the informer showed between the writes was from before
        told = ", ".join(wanted.addresses) + (f" instead of {lost}" if lost else "")
        self._recorder.event(service, "Normal", "EnsuredLoadBalancer", f"Assigned IP {told}")
        log.info("%s: load balancer's address %s", at, told)

    async def _take_back(self, at: Key, service: Service) -> None:
        """Nodes no longer answer once the status is empty; then the Service may go."""
        address = ", ".join(present_addresses(service, self._pool))
        changed = _copied(service)
        if changed.status.HasField("loadBalancer") and changed.status.loadBalancer.ingress:
            changed.status.ClearField("loadBalancer")
            changed = await self._client.update_status(changed)
            self._writes.note(changed)
        del changed.metadata.annotations[FROM_POOL]
        if CLEANUP_FINALIZER in changed.metadata.finalizers:
            changed.metadata.finalizers.remove(CLEANUP_FINALIZER)
        self._writes.note(await self._client.update(changed))
        self._hold(at, ())
        self._recorder.event(service, "Normal", "DeletedLoadBalancer", f"Released IP {address}".rstrip())
        log.info("%s: load balancer's address %s is free", at, address or "(none)")

    def _tell(self, at: Key, service: Service, refusal: str) -> None:
        if refusal and self._told.get(at) != refusal:
            self._recorder.event(
                service, "Warning", "SyncLoadBalancerFailed", f"Error syncing load balancer: {refusal}"
            )
            log.info("%s: no address for its load balancer: %s", at, refusal)
        if refusal:
            self._told[at] = refusal
        else:
            self._told.pop(at, None)

    def _hold(self, at: Key, addresses: Iterable[str]) -> None:
        """What waits for an address is tried again when one becomes free."""
        if self._held.hold(at, addresses):
            for waiting in self._waiting:
                self._loop.queue.add(waiting)

    def _changed(self, change: Change[Service]) -> None:
        self._loop.queue.add(change.key)
        if change.new is None:
            self._told.pop(change.key, None)
            self._waiting.discard(change.key)
            self._hold(change.key, ())
        elif self._writes.is_current(change.new) and (present := present_addresses(change.new, self._pool)):
            self._hold(change.key, present)


def _status(addresses: Iterable[str]) -> LoadBalancerStatus:
    made = LoadBalancerStatus()
    for address in addresses:
        made.ingress.add(ip=address, ipMode=VIP)
    return made


def _copied(service: Service) -> Service:
    copy = Service()
    copy.CopyFrom(service)
    return copy
