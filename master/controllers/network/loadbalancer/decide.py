"""Which address a Service's load balancer is to have, of what the pool and others leave. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from master.controllers.network.loadbalancer.held import HeldAddresses
from podlab.api.loadbalancers import ASKED_ADDRESS, FROM_POOL, addresses, is_ours
from podlab.api.objects import Key
from podlab.api.values.addresspool import AddressPool
from podlab.core.v1.service_pb2 import Service

NO_POOL = (
    "there is no pool of addresses for load balancers: give podlab_load_balancer_pool in the inventory and run "
    "site.yml, or install a load balancer's controller"
)


@dataclass(frozen=True)
class LoadBalancerPlan:
    """`address` and the pool's `entry` that it is of; else `refusal` says why there is none, unless none is wanted.

    With `waits` it is worth another try when an address becomes free.
    """

    address: str = ""
    entry: str = ""
    refusal: str = ""
    waits: bool = False


def plan(service: Service, pool: AddressPool, held: HeldAddresses, own: Key) -> LoadBalancerPlan:
    """`own` is the Service's key. An address that it holds it keeps, unless the pool lost it or it asks for another."""
    if not is_ours(service.spec) or service.metadata.HasField("deletionTimestamp"):
        return LoadBalancerPlan()
    if not pool:
        return LoadBalancerPlan(refusal=NO_POOL)
    if not _wants_ipv4(service):
        return LoadBalancerPlan(refusal="it has no IPv4 address, and load balancers have no others")
    asked, wrong = _asked(service)
    if wrong:
        return LoadBalancerPlan(refusal=wrong)
    if asked:
        return _that_one(asked, pool, held, own)
    address = held.of(own)
    if pool.range_of(address) is None:
        address = pool.first_free(held)
    entry = pool.range_of(address)
    if entry is None:
        whole = ", ".join(each.text for each in pool.ranges)
        return LoadBalancerPlan(refusal=f"every address of the pool ({whole}) is taken", waits=True)
    return LoadBalancerPlan(address, entry.text)


def present_address(service: Service, pool: AddressPool) -> str:
    """The address of ours that the Service's status has, whoever wrote it; empty when it has none."""
    given = FROM_POOL in service.metadata.annotations
    return next((each for each in addresses(service) if given or pool.range_of(each)), "")


def _that_one(asked: str, pool: AddressPool, held: HeldAddresses, own: Key) -> LoadBalancerPlan:
    entry = pool.range_of(asked)
    if entry is None:
        whole = ", ".join(each.text for each in pool.ranges)
        return LoadBalancerPlan(refusal=f"{asked} is asked for, which is not in the pool ({whole})")
    holder = held.get(asked, own)
    if holder != own:
        why = f"{asked} is asked for, which service {holder.namespace}/{holder.name} has"
        return LoadBalancerPlan(refusal=why, waits=True)
    return LoadBalancerPlan(asked, entry.text)


def _asked(service: Service) -> tuple[str, str]:
    """The address that is asked for, if any, and what is wrong with the question."""
    annotated = service.metadata.annotations.get(ASKED_ADDRESS, "").strip()
    declared = service.spec.loadBalancerIP
    if annotated and declared and annotated != declared:
        return "", f"annotation {ASKED_ADDRESS} asks for {annotated}, and spec.loadBalancerIP for {declared}"
    return annotated or declared, ""


def _wants_ipv4(service: Service) -> bool:
    return not service.spec.ipFamilies or "IPv4" in service.spec.ipFamilies
