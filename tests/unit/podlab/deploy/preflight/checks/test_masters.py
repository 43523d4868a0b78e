"""What is wrong with how several masters are to work together is told before anything is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from podlab_testing.preflight_facts import FACTS

from podlab.deploy.preflight.checks.masters import check_masters, check_masters_on_hosts
from podlab.deploy.preflight.finding import Severity
from podlab.deploy.preflight.hosts.facts import Host

GROUPS = {"masters": ["m1", "m2", "m3"], "nodes": ["n1"]}
TLS = {"podlab_etcd_ca": "ca.crt"}


def masters(count: int = 3, *, etcd: bool = True, **variables: Any) -> list[Host]:
    groups = frozenset({"masters", "etcd"} if etcd else {"masters"})
    return [
        Host(name=f"m{n}", groups=groups, variables={"podlab_address": f"192.0.2.1{n}", **variables})
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, ""),
        ({"podlab_endpoint": "api.example.org"}, ""),
        ({"podlab_endpoint": "192.0.2.10:8443"}, ""),
        ({"podlab_endpoint": "https://api"}, "podlab_endpoint is https://api, not a host name or address"),
        ({"podlab_endpoint": "api:70000"}, "podlab_endpoint is api:70000"),
        ({"podlab_floating_address": "192.0.2.10"}, ""),
        ({"podlab_floating_address": "api"}, "podlab_floating_address is api, not an IPv4 address"),
        (
            {"podlab_floating_address": "192.0.2.12"},
            "podlab_floating_address is 192.0.2.12, which is the address of m2",
        ),
        ({"podlab_etcd_endpoints": ["https://192.0.2.31:2379"], **TLS}, ""),
        ({"podlab_etcd_endpoints": ["http://192.0.2.31:2379"]}, ""),
        ({"podlab_etcd_endpoints": ["192.0.2.31:2379"]}, "192.0.2.31:2379 is no endpoint"),
        ({"podlab_etcd_endpoints": ["https://e1:2379"]}, "podlab_etcd_ca does not say who signed its certificates"),
        ({"podlab_etcd_endpoints": ["https://e1:2379", "http://e2:2379"], **TLS}, "has http and https"),
        (
            {"podlab_etcd_endpoints": ["https://e1:2379"], **TLS, "podlab_etcd_cert": "c"},
            "podlab_etcd_cert is there without podlab_etcd_key",
        ),
    ],
)
def test_wrong_variables_are_named(variables: dict[str, Any], words: str) -> None:
    found = [finding.cause for finding in check_masters(GROUPS, masters(**variables))]
    assert len(found) == bool(words)
    assert words in "".join(found)


def test_an_etcd_that_is_there_and_one_of_our_own_exclude_each_other() -> None:
    there = masters(podlab_etcd_endpoints=["http://192.0.2.31:2379"])
    (finding,) = check_masters({**GROUPS, "etcd": ["e1"]}, there)
    assert finding.remedy == "leave one of them out"


def test_what_all_masters_share_is_the_same_for_all() -> None:
    first, *others = masters()
    own = replace(first, variables={**first.variables, "podlab_endpoint": "api"})
    (finding,) = check_masters(GROUPS, [own, *others])
    assert finding.cause == "podlab_endpoint is not the same for all masters"


@pytest.mark.parametrize(("members", "warned"), [(1, False), (2, True), (3, False), (4, True)])
def test_an_even_number_of_members_is_warned_of(members: int, warned: bool) -> None:
    found = list(check_masters_on_hosts(masters(members), {}))
    assert [finding.severity for finding in found] == [Severity.WARNING] * warned


def test_a_store_is_migrated_before_it_is_used_elsewhere() -> None:
    facts = {"m1": replace(FACTS, own_store=True), "m2": FACTS, "m3": FACTS}
    (finding,) = check_masters_on_hosts(masters(), facts)
    assert (finding.host, finding.severity) == ("m1", Severity.ERROR)
    assert "migrate-store.yml" in finding.remedy
    assert not list(check_masters_on_hosts(masters(), facts, migrates=True))
    assert not list(check_masters_on_hosts(masters(1, etcd=False), facts))
    shared = {"m1": replace(FACTS, shared_store=True)}
    (finding,) = check_masters_on_hosts(masters(1, etcd=False), shared)
    assert "in etcd, and this inventory has none" in finding.cause
    assert not list(check_masters_on_hosts(masters(1, etcd=False), shared, migrates=True))
    assert not list(check_masters_on_hosts(masters(), {**shared, "m2": FACTS, "m3": FACTS}))
