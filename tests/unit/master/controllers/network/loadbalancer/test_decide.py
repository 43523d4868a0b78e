from typing import Any

import pytest

from master.controllers.network.loadbalancer.decide import NO_POOL, Given, LoadBalancerPlan, plan, present_addresses
from master.controllers.network.loadbalancer.held import HeldAddresses
from podlab.api.loadbalancers import ASKED_ADDRESS, FROM_POOL
from podlab.api.objects import Key
from podlab.api.values.addresspool import parse_pool
from podlab.core.v1.service_pb2 import Service
from podlab.meta.v1.meta_pb2 import ObjectMeta, Time

OWN, OTHER = (Key.of(Service, "default", name) for name in ("own", "other"))
POOL = parse_pool(["192.0.2.1-192.0.2.2"])
ENTRY = "192.0.2.1-192.0.2.2"
FIRST, SECOND = (LoadBalancerPlan((Given(address, ENTRY),)) for address in ("192.0.2.1", "192.0.2.2"))


def service(asked: str = "", **spec: Any) -> Service:
    made = Service(metadata=ObjectMeta(name="own", namespace="default"), spec={"type": "LoadBalancer", **spec})
    if asked:
        made.metadata.annotations[ASKED_ADDRESS] = asked
    return made


def held(**addresses: str) -> HeldAddresses:
    made = HeldAddresses()
    for name, address in addresses.items():
        made.hold(Key.of(Service, "default", name), address.split(","))
    return made


CASES: dict[str, tuple[Service, HeldAddresses, LoadBalancerPlan]] = {
    "the first that is free": (service(), held(), FIRST),
    "the next one": (service(), held(other="192.0.2.1"), SECOND),
    "what it has stays": (service(), held(own="192.0.2.2"), SECOND),
    "what the pool lost does not": (
        service(),
        held(own="198.51.100.1"),
        FIRST,
    ),
    "what is asked for": (service("192.0.2.2"), held(own="192.0.2.1"), SECOND),
    "asked for as it was once": (
        service(loadBalancerIP="192.0.2.2"),
        held(),
        SECOND,
    ),
    "asked for, and another's": (
        service("192.0.2.2"),
        held(other="192.0.2.2", own="192.0.2.1"),
        LoadBalancerPlan(refusal="192.0.2.2 is asked for, which service default/other has", waits=True),
    ),
    "nothing is free": (
        service(),
        held(other="192.0.2.2", third="192.0.2.1"),
        LoadBalancerPlan(refusal=f"every IPv4 address of the pool ({ENTRY}) is taken", waits=True),
    ),
    "another's class": (service(loadBalancerClass="example.com/x"), held(), LoadBalancerPlan()),
    "another type": (service(type="NodePort"), held(), LoadBalancerPlan()),
    "IPv6 alone": (
        service(ipFamilies=["IPv6"]),
        held(),
        LoadBalancerPlan(refusal=f"it is of IPv6, and the pool ({ENTRY}) has no such addresses"),
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
    assert present_addresses(made, POOL) == ["192.0.2.1"]
    assert present_addresses(made, parse_pool([])) == []
    made.metadata.annotations[FROM_POOL] = ENTRY
    assert present_addresses(made, parse_pool([])) == ["192.0.2.1"]


def test_whoever_came_first_holds_an_address_and_gives_up_what_it_holds_no_more() -> None:
    book = held(own="192.0.2.1,fd00::1")
    assert not book.hold(OTHER, ["192.0.2.1"])
    assert (book["192.0.2.1"], book.of(OTHER)) == (OWN, ())
    assert not book.hold(OWN, ["192.0.2.1", "fd00::1"])
    assert book.hold(OWN, ["192.0.2.2", "fd00::1"])
    assert dict(book) == {"192.0.2.2": OWN, "fd00::1": OWN}
    assert book.hold(OWN, ())
    assert not dict(book)


BOTH = parse_pool(["192.0.2.1-192.0.2.2", "fd00::1-fd00::2"])
FOUR, SIX = (each.text for each in BOTH.ranges)
OF_BOTH: dict[str, tuple[Service, HeldAddresses, LoadBalancerPlan]] = {
    "one of each, in the Service's order": (
        service(ipFamilies=["IPv6", "IPv4"]),
        held(),
        LoadBalancerPlan((Given("fd00::1", SIX), Given("192.0.2.1", FOUR))),
    ),
    "IPv6 alone": (service(ipFamilies=["IPv6"]), held(), LoadBalancerPlan((Given("fd00::1", SIX),))),
    "the family that came later is added": (
        service(ipFamilies=["IPv4", "IPv6"]),
        held(own="192.0.2.2", other="fd00::1"),
        LoadBalancerPlan((Given("192.0.2.2", FOUR), Given("fd00::2", SIX))),
    ),
    "both are asked for": (
        service("FD00::2, 192.0.2.2", ipFamilies=["IPv4", "IPv6"]),
        held(),
        LoadBalancerPlan((Given("192.0.2.2", FOUR), Given("fd00::2", SIX))),
    ),
    "one is asked for": (
        service("fd00::2", ipFamilies=["IPv4", "IPv6"]),
        held(),
        LoadBalancerPlan((Given("192.0.2.1", FOUR), Given("fd00::2", SIX))),
    ),
    "one of the other family is asked for": (
        service("fd00::2"),
        held(),
        LoadBalancerPlan(refusal="fd00::2 is asked for, and its load balancer is of IPv4"),
    ),
    "two of a family are asked for": (
        service("fd00::1,fd00::2", ipFamilies=["IPv6"]),
        held(),
        LoadBalancerPlan(refusal="fd00::1 and fd00::2 are asked for, and a Service has one IPv6 address"),
    ),
    "no address is asked for": (
        service("first"),
        held(),
        LoadBalancerPlan(
            refusal="'first' is asked for, which is no address: give one of each family, with a comma between"
        ),
    ),
    "of one family none is free": (
        service(ipFamilies=["IPv4", "IPv6"]),
        held(other="fd00::1", third="fd00::2"),
        LoadBalancerPlan(refusal=f"every IPv6 address of the pool ({FOUR}, {SIX}) is taken", waits=True),
    ),
}


@pytest.mark.parametrize("name", OF_BOTH)
def test_the_addresses_of_a_load_balancer_of_both_families(name: str) -> None:
    of, others, expected = OF_BOTH[name]
    assert plan(of, BOTH, others, OWN) == expected


def test_a_family_that_the_pool_has_not_is_left_out() -> None:
    assert plan(service(ipFamilies=["IPv4", "IPv6"]), POOL, held(), OWN).addresses == ("192.0.2.1",)
