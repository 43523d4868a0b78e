from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from podlab_testing.preflight_facts import FACTS

from podlab.deploy.preflight.checks.floating import AddressTrial, asked_by, judged_owners
from podlab.deploy.preflight.hosts.facts import Host, Subnet

FLOATING = "192.0.2.9"


def host(name: str, *groups: str, **variables: Any) -> Host:
    address = {"podlab_address": f"192.0.2.{name[1:]}", "podlab_floating_address": FLOATING}
    return Host(name=name, groups=frozenset(groups), variables=address | variables)


M1, M2 = host("m1", "masters", "keepalived"), host("m2", "masters", "keepalived")
N3 = host("n3", "nodes")
HOSTS = (M1, M2, N3)


def heard(**owners: list[str]) -> AddressTrial:
    """By the last part of the address, after an underscore."""
    return AddressTrial(device="eth0", owners={f"192.0.2.{last[1:]}": macs for last, macs in owners.items()})


def causes(**trials: AddressTrial) -> list[str]:
    return [found.cause for found in judged_owners(HOSTS, {}, trials)]


def test_masters_ask_for_the_address_and_for_one_another() -> None:
    assert asked_by(M2, HOSTS, "eth1") == {
        "own": "192.0.2.2",
        "device": "eth1",
        "addresses": [FLOATING, "192.0.2.1", "192.0.2.2"],
    }
    assert asked_by(N3, HOSTS) is None


def test_an_address_that_nobody_or_a_master_has_is_no_finding() -> None:
    assert causes() == []
    assert causes(m1=heard(_2=["mac-2"]), m2=heard(_1=["mac-1"])) == []
    assert causes(m1=heard(_2=["mac-2"], _9=["mac-2"]), m2=heard(_1=["mac-1"])) == []


def test_a_stranger_is_told_with_those_that_hear_him() -> None:
    stranger = "podlab_floating_address 192.0.2.9 is somebody's already: mac-x answers for it, as"
    told = causes(m1=heard(_2=["mac-2"], _9=["mac-2", "mac-x"]), m2=heard(_1=["mac-1"], _9=["mac-x"]))
    assert told == [f"{stranger} m1 and m2 hear on eth0"]
    assert causes(m2=heard(_1=["mac-1"], _9=["mac-x"])) == [f"{stranger} m2 hears on eth0"]


def test_a_host_of_the_inventory_that_has_it_is_named() -> None:
    having = replace(FACTS, subnets=(Subnet(IPv4Network("192.0.2.9/32"), "eth0", address=FLOATING),))
    (found,) = judged_owners(HOSTS, {"m2": having, "n3": having}, {"m1": heard(_9=["mac-x"])})
    assert found.cause.endswith("as m1 hears on eth0 (n3 has it)")
    assert found.remedy
