"""Says that networks of Services are ready, and keeps those that go until no Service has an address of them alone.

https://kubernetes.io/docs/tasks/network/extend-service-ip-ranges/
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from master.controllers.framework.informers import Informers
from master.controllers.framework.loop import Loop
from podlab.api.objects import Key, condition
from podlab.api.selection.labels import ADDRESS_ALLOCATOR, ADDRESS_MANAGED_BY
from podlab.api.values import times
from podlab.client.client import Client
from podlab.client.informer import Change
from podlab.networking.v1.serviceaddresses_pb2 import IPAddress, ServiceCIDR

FINALIZER = "networking.k8s.io/service-cidr-finalizer"
# As Kubernetes: as long as that after the deletion somebody may still give addresses of the network.
GRACE_S = 10.0
_READY = ("True", "", "Kubernetes Service CIDR is ready")
_TERMINATING = (
    "False",
    "Terminating",
    "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
)

Network = IPv4Network | IPv6Network


def is_going(cidr: ServiceCIDR) -> bool:
    """Whether it is being deleted."""
    return cidr.metadata.HasField("deletionTimestamp")


def may_go(cidr: ServiceCIDR, others: Iterable[ServiceCIDR], addresses: Iterable[IPAddress]) -> bool:
    """Whether no address that a Service was given is in this network alone. `others` are those that stay."""
    own = _networks(cidr)
    kept = [network for other in others for network in _networks(other)]
    if all(any(_within(one, other) for other in kept) for one in own):
        return True
    given = (
        ip_address(one.metadata.name)
        for one in addresses
        if one.metadata.labels.get(ADDRESS_MANAGED_BY, "") == ADDRESS_ALLOCATOR
    )
    return not any(
        any(address in one for one in own) and not any(address in other for other in kept) for address in given
    )


def _within(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)


def _networks(cidr: ServiceCIDR) -> Sequence[Network]:
    return [ip_network(one) for one in cidr.spec.cidrs]


class ServiceCIDRController:
    """Keys are ServiceCIDRs'. `grace_s` is how long one that may go is kept after its deletion."""

    name: Final = "servicecidr"

    def __init__(self, client: Client, informers: Informers, *, grace_s: float = GRACE_S) -> None:
        self._client = client
        self._grace_s = grace_s
        self._cidrs = informers.of(ServiceCIDR)
        self._addresses = informers.of(IPAddress)
        self._loop: Loop[Key] = Loop(self.name, self.reconcile)
        self._cidrs.on_change(self._cidr_changed)
        self._addresses.on_change(self._address_changed)

    async def run(self) -> None:
        await self._loop.run()

    async def reconcile(self, at: Key) -> None:
        cidr = self._cidrs.store.get(at)
        if cidr is None:
            return
        if not is_going(cidr):
            await self._protect(cidr)
        elif not may_go(cidr, self._others(at), self._addresses.store.values()):
            await self._say(cidr, _TERMINATING)
        elif (left_s := cidr.metadata.deletionTimestamp.seconds + self._grace_s - time.time()) > 0:
            self._loop.queue.add_after(at, left_s)
        elif FINALIZER in cidr.metadata.finalizers:
            changed = _copied(cidr)
            changed.metadata.finalizers.remove(FINALIZER)
            await self._client.update(changed)

    async def _protect(self, cidr: ServiceCIDR) -> None:
        if FINALIZER not in cidr.metadata.finalizers:
            changed = _copied(cidr)
            changed.metadata.finalizers.append(FINALIZER)
            cidr = await self._client.update(changed)
        await self._say(cidr, _READY)

    async def _say(self, cidr: ServiceCIDR, said: tuple[str, str, str]) -> None:
        status, reason, message = said
        found = condition(cidr.status.conditions, "Ready")
        if found is not None and (found.status, found.reason, found.message) == said:
            return
        changed = _copied(cidr)
        ready = condition(changed.status.conditions, "Ready")
        if ready is None:
            ready = changed.status.conditions.add(type="Ready")
        if ready.status != status:
            ready.lastTransitionTime.CopyFrom(times.now())
        ready.status, ready.reason, ready.message = status, reason, message
        await self._client.update_status(changed)

    def _others(self, at: Key) -> list[ServiceCIDR]:
        return [other for key, other in self._cidrs.store.items() if key != at and not is_going(other)]

    def _cidr_changed(self, change: Change[ServiceCIDR]) -> None:
        """What comes or goes may hold the addresses of others that go."""
        self._loop.queue.add(change.key)
        if change.old is None or change.new is None:
            self._wake_going()

    def _address_changed(self, change: Change[IPAddress]) -> None:
        if change.new is None:
            self._wake_going()

    def _wake_going(self) -> None:
        for key, cidr in self._cidrs.store.items():
            if is_going(cidr):
                self._loop.queue.add(key)


def _copied(cidr: ServiceCIDR) -> ServiceCIDR:
    copy = ServiceCIDR()
    copy.CopyFrom(cidr)
    return copy
