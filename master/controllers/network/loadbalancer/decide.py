"""Which addresses a Service's load balancer is to have, one of each family, of what the pool and others leave. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from master.controllers.network.loadbalancer.held import HeldAddresses
from podlab.api.loadbalancers import ASKED_ADDRESS, FROM_POOL, addresses, is_ours
from podlab.api.objects import Key
from podlab.api.values.addresspool import AddressPool
from podlab.api.values.ipfamilies import family_of
from podlab.core.v1.service_pb2 import Service

NO_POOL = (
    "there is no pool of addresses for load balancers: give podlab_load_balancer_pool in the inventory and run "
    "site.yml, or install a load balancer's controller"
)


@dataclass(frozen=True)
class Given:
    """An address, and the pool's entry that it is of."""

    address: str
    entry: str


@dataclass(frozen=True)
class LoadBalancerPlan:
    """`given` has one of each family; where there is none, `refusal` says why, unless none is wanted.

    With `waits` it is worth another try when an address becomes free.
    """

    given: tuple[Given, ...] = ()
    refusal: str = ""
    waits: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(each.address for each in self.given)


def plan(service: Service, pool: AddressPool, held: HeldAddresses, own: Key) -> LoadBalancerPlan:
    """`own` is the Service's key. An address that it holds it keeps, unless the pool lost it or it asks for another.

    A family that the pool has no addresses of is left out; where that leaves none, it is told.
    """
    if not is_ours(service.spec) or service.metadata.HasField("deletionTimestamp"):
        return LoadBalancerPlan()
    if not pool:
        return LoadBalancerPlan(refusal=NO_POOL)
    families = list(service.spec.ipFamilies) or ["IPv4"]
    served = [each for each in families if each in pool.families]
    if not served:
        whose = f"it is of {' and '.join(families)}, and the pool ({_whole(pool)}) has no such addresses"
        return LoadBalancerPlan(refusal=whose)
    asked, wrong = _asked(service, served)
    if wrong:
        return LoadBalancerPlan(refusal=wrong)
    plans = [_of_family(family, asked.get(family, ""), pool, held, own) for family in served]
    refused = next((each for each in plans if each.refusal), None)
    return refused or LoadBalancerPlan(tuple(given for each in plans for given in each.given))


def present_addresses(service: Service, pool: AddressPool) -> list[str]:
    """The addresses of ours that the Service's status has, whoever wrote them."""
    given = FROM_POOL in service.metadata.annotations
    return [each for each in addresses(service) if given or pool.range_of(each)]


def _of_family(family: str, asked: str, pool: AddressPool, held: HeldAddresses, own: Key) -> LoadBalancerPlan:
    if asked:
        return _that_one(asked, pool, held, own)
    kept = (each for each in held.of(own) if family_of(each) == family and pool.range_of(each))
    address = next(kept, "") or pool.first_free(family, held)
    entry = pool.range_of(address)
    if entry is None:
        return LoadBalancerPlan(refusal=f"every {family} address of the pool ({_whole(pool)}) is taken", waits=True)
    return LoadBalancerPlan((Given(address, entry.text),))


def _that_one(asked: str, pool: AddressPool, held: HeldAddresses, own: Key) -> LoadBalancerPlan:
    entry = pool.range_of(asked)
    if entry is None:
        return LoadBalancerPlan(refusal=f"{asked} is asked for, which is not in the pool ({_whole(pool)})")
    holder = held.get(asked, own)
    if holder != own:
        why = f"{asked} is asked for, which service {holder.namespace}/{holder.name} has"
        return LoadBalancerPlan(refusal=why, waits=True)
    return LoadBalancerPlan((Given(asked, entry.text),))


def _asked(service: Service, served: Sequence[str]) -> tuple[dict[str, str], str]:
    """The addresses that are asked for, by family, and what is wrong with the question."""
    annotated = service.metadata.annotations.get(ASKED_ADDRESS, "").strip()
    declared = service.spec.loadBalancerIP
    if annotated and declared and annotated != declared:
        return {}, f"annotation {ASKED_ADDRESS} asks for {annotated}, and spec.loadBalancerIP for {declared}"
    found: dict[str, str] = {}
    for text in filter(None, (part.strip() for part in (annotated or declared).split(","))):
        try:
            address = str(ip_address(text))
        except ValueError:
            return {}, f"{text!r} is asked for, which is no address: give one of each family, with a comma between"
        family = family_of(address)
        if family not in served:
            return {}, f"{text} is asked for, and its load balancer is of {' and '.join(served)}"
        if family in found:
            return {}, f"{found[family]} and {address} are asked for, and a Service has one {family} address"
        found[family] = address
    return found, ""


def _whole(pool: AddressPool) -> str:
    return ", ".join(each.text for each in pool.ranges)
