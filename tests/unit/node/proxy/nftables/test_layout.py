"""What holds for the table of all Services together, and for the script of a change."""

import re

from hypothesis import given
from hypothesis import strategies as st
from podlab_testing.services import CLUSTER_CIDR, endpoint_slice, exposures, service

from node.proxy.exposures import Delta, Exposures
from node.proxy.nftables.layout import HOOKS, change, whole
from node.proxy.node import ProxyNode

NODE = ProxyNode("n1", CLUSTER_CIDR, pod_cidr="10.244.0.0/24")

# number of a Service -> of its endpoints
worlds = st.dictionaries(st.integers(0, 300), st.integers(0, 20), max_size=30)


def of(world: dict[int, int]) -> Exposures:
    known = Exposures()
    known.change(exposures(map(service, world), [endpoint_slice(*each) for each in world.items()], NODE))
    return known


@given(worlds)
def test_every_verdict_leads_to_a_chain_and_every_chain_is_led_to(world: dict[int, int]) -> None:
    known = of(world)
    script = whole(known.frontends(), known.own_endpoints(), NODE, ())
    chains = set(re.findall(r"add chain ip podlab (\S+)", script))
    targets = set(re.findall(r"(?:goto|jump) ([a-zA-Z0-9-]+)", script))
    assert targets <= chains
    shared = {chain for chain in chains if re.match("choose|rejecting", chain)}
    assert chains - HOOKS.keys() - shared <= targets
    sets = set(re.findall(r"add (?:set|map) ip podlab (\S+)", script))
    assert set(re.findall(r"@(\S+)", script)) <= sets


def test_one_plain_service_more_is_elements_alone() -> None:
    known = of({})
    found = exposures([service(2)], [endpoint_slice(2, 2)], NODE)
    frontend = next(each for each in known.change(found).new if each.inside)
    assert change(Delta(new=(frontend,)), NODE).splitlines() == [
        "add element ip podlab services { 10.96.1.3 . tcp . 80 : goto choose-2 }",
        "add element ip podlab endpoints-0 { 10.96.1.3 . tcp . 80 : 10.244.0.10 . 8080 }",
        "add element ip podlab endpoints-1 { 10.96.1.3 . tcp . 80 : 10.244.0.11 . 8080 }",
    ]


def test_nothing_is_written_when_nothing_changes() -> None:
    assert change(Delta(), NODE) == ""


def test_what_stands_and_is_not_wanted_goes_and_sets_of_clients_stay() -> None:
    known = of({1: 2})
    kept = re.search(r"affinity-\S+", whole(known.frontends(), (), NODE, ()))
    assert kept is not None
    script = whole(known.frontends(), (), NODE, {"service-GONE", "affinity-GONE", kept[0], "dispatch"})
    deleted = re.findall(r"delete (\S+) ip podlab (\S+)", script)
    assert deleted == [("chain", "service-GONE"), ("set", "affinity-GONE")]
