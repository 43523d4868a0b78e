from typing import Any

import pytest

from master.controllers.network.loadbalancer.decide import NO_POOL, LoadBalancerPlan, plan, present_address
from master.controllers.network.loadbalancer.held import HeldAddresses
from podlab.api.loadbalancers import ASKED_ADDRESS, FROM_POOL
from podlab.api.objects import Key
from podlab.api.values.addresspool import parse_pool
from podlab.core.v1.service_pb2 import Service
from podlab.meta.v1.meta_pb2 import ObjectMeta, Time

OWN, OTHER = (Key.of(Service, "default", name) for name in ("own", "other"))
POOL = parse_pool(["192.0.2.1-192.0.2.2"])
ENTRY = "192.0.2.1-192.0.2.2"


def service(asked: str = "", **spec: Any) -> Service:
    made = Service(metadata=ObjectMeta(name="own", namespace="default"), spec={"type": "LoadBalancer", **spec})
    if asked:
        made.metadata.annotations[ASKED_ADDRESS] = asked
    return made


def held(**addresses: str) -> HeldAddresses:
    made = HeldAddresses()
    for name, address in addresses.items():
        made.hold(Key.of(Service, "default", name), address)
    return made


CASES: dict[str, tuple[Service, HeldAddresses, LoadBalancerPlan]] = {
    "the first that is free": (service(), held(), LoadBalancerPlan("192.0.2.1", ENTRY)),
    "the next one": (service(), held(other="192.0.2.1"), LoadBalancerPlan("192.0.2.2", ENTRY)),
    "what it has stays": (service(), held(own="192.0.2.2"), LoadBalancerPlan("192.0.2.2", ENTRY)),
    "what the pool lost does not": (service(), held(own="198.51.100.1"), LoadBalancerPlan("192.0.2.1", ENTRY)),
    "what is asked for": (service("192.0.2.2"), held(own="192.0.2.1"), LoadBalancerPlan("192.0.2.2", ENTRY)),
    "asked for as it was once": (service(loadBalancerIP="192.0.2.2"), held(), LoadBalancerPlan("192.0.2.2", ENTRY)),
    "asked for, and another's": (
        service("192.0.2.2"),
        held(other="192.0.2.2", own="192.0.2.1"),
        LoadBalancerPlan(refusal="192.0.2.2 is asked for, which service default/other has", waits=True),
    ),
    "nothing is free": (
        service(),
        held(other="192.0.2.2", third="192.0.2.1"),
        LoadBalancerPlan(refusal=f"every address of the pool ({ENTRY}) is taken", waits=True),
    ),
    "another's class": (service(loadBalancerClass="example.com/x"), held(), LoadBalancerPlan()),
    "another type": (service(type="NodePort"), held(), LoadBalancerPlan()),
    "IPv6 alone": (
        service(ipFamilies=["IPv6"]),
        held(),
        LoadBalancerPlan(refusal="it has no IPv4 address, and load balancers have no others"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_address_of_a_load_balancer(name: str) -> None:
    of, others, expected = CASES[name]
    assert plan(of, POOL, others, OWN) == expected


def test_a_service_that_goes_is_to_have_none() -> None:
    going = service()
    going.metadata.deletionTimestamp.CopyFrom(Time(seconds=1))
    assert plan(going, POOL, held(own="192.0.2.1"), OWN) == LoadBalancerPlan()


def test_without_a_pool_the_reason_says_what_to_do() -> None:
    assert plan(service(), parse_pool([]), held(), OWN) == LoadBalancerPlan(refusal=NO_POOL)


def test_an_address_of_the_status_is_ours_when_it_is_of_the_pool_or_says_so() -> None:
    made = service()
    made.status.loadBalancer.ingress.add(ip="192.0.2.1", ipMode="VIP")
    assert present_address(made, POOL) == "192.0.2.1"
    assert present_address(made, parse_pool([])) == ""
    made.metadata.annotations[FROM_POOL] = ENTRY
    assert present_address(made, parse_pool([])) == "192.0.2.1"


def test_whoever_came_first_holds_an_address_and_each_holds_one() -> None:
    book = held(own="192.0.2.1")
    assert not book.hold(OTHER, "192.0.2.1")
    assert (book["192.0.2.1"], book.of(OTHER)) == (OWN, "")
    assert book.hold(OWN, "192.0.2.2")
    assert dict(book) == {"192.0.2.2": OWN}
    assert book.hold(OWN, "")
    assert not dict(book)
