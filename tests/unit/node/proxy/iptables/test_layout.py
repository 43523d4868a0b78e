"""What holds for the chains of all Services together, and for what changes from one layout to the next."""

import random
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing import many_services
from podlab_testing.services import CLUSTER_CIDR, endpoint_slice, exposures, layout, service

from node.iptables import restore_input
from node.proxy.exposures import Exposures, ServiceName
from node.proxy.frontends import REJECT, Exposure, Frontend
from node.proxy.iptables.layout import JUMPS, Layout, Tables, difference, to_ruleset
from node.proxy.node import ProxyNode
from node.tracing.follow import Surroundings, follow
from node.tracing.iptables_rules import wanted_tables
from node.tracing.packet import Packet
from node.tracing.tables import Table

NODE = ProxyNode("n1", CLUSTER_CIDR, pod_cidr="10.244.0.0/24")
BUILT_IN_TARGETS = {"DNAT", "DROP", "MARK", "MASQUERADE", "RETURN", "REJECT"}

# number of a Service -> of its endpoints
worlds = st.dictionaries(st.integers(0, 300), st.integers(0, 6), max_size=60)


def of(world: dict[int, int]) -> Layout:
    return layout(map(service, world), [endpoint_slice(*each) for each in world.items()], NODE)


@given(worlds)
def test_every_jump_has_a_target_and_every_chain_is_used(world: dict[int, int]) -> None:
    for table, content in of(world).tables().items():
        roots = {rule.target for _, rule in JUMPS[table]}
        targets = {rule.target for rules in content.values() for rule in rules}
        assert targets - BUILT_IN_TARGETS <= content.keys()
        assert content.keys() - roots <= targets
        assert all(len(chain) <= 28 for chain in content)


@given(worlds, worlds)
def test_what_is_written_after_a_change_makes_the_rules_of_the_new_world(
    before: dict[int, int], after: dict[int, int]
) -> None:
    known = Exposures()
    old = Layout(NODE).changed(known.change(exposed(before)))
    gone = dict.fromkeys(before, -1)
    new = old.changed(known.change(exposed(gone | after)))
    assert applied(chains(old.tables()), restore_input(*difference(old, new))) == chains(of(after).tables())


def exposed(world: dict[int, int]) -> dict[ServiceName, Exposure]:
    """A Service that has -1 endpoints is gone."""
    present = {number: count for number, count in world.items() if count >= 0}
    found = exposures(map(service, present), [endpoint_slice(*each) for each in present.items()], NODE)
    return {("default", f"s{number}"): found.get(("default", f"s{number}"), Exposure()) for number in world}


def chains(tables: Tables) -> dict[str, dict[str, tuple[str, ...]]]:
    return {name: dict(table.chains) for name, table in to_ruleset(tables).items()}


def applied(standing: dict[str, dict[str, tuple[str, ...]]], text: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """As iptables-restore --noflush does it."""
    tables = {name: dict(content) for name, content in standing.items()}
    table = ""
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        chain, _, rule = rest.partition(" ")
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            tables[table][word[1:]] = ()
        elif word == "-A":
            tables[table][chain] = (*tables[table][chain], rule)
        elif word == "-X":
            assert tables[table].pop(chain) == ()
    return tables


def test_tcp_is_refused_by_a_reset_which_the_kernel_sends_to_everyone_and_others_by_an_icmp_error() -> None:
    name_server = service(1)
    name_server.spec.ports.add(name="dns", protocol="UDP", port=53)
    rules = [rule for each in layout([name_server], [], NODE).tables()["filter"].values() for rule in each]
    refusals = {rule.protocol: rule.options for rule in rules if rule.target == "REJECT"}
    assert refusals == {"tcp": "--reject-with tcp-reset", "udp": "--reject-with icmp-port-unreachable"}


def test_a_headless_service_has_no_rules() -> None:
    headless = service(1)
    headless.spec.clusterIP = "None"
    assert layout([headless], [endpoint_slice(1, 3)], NODE).tables() == layout([], [], NODE).tables()


def test_only_what_a_pod_of_this_node_sends_itself_is_masqueraded() -> None:
    nat = layout([service(0)], [endpoint_slice(0, 3)], NODE).tables()["nat"]
    assert [rule.source for rule in nat["PODLAB-SH-10.244.0.0/29"]] == ["10.244.0.2", "10.244.0.4"]


def test_an_even_number_of_endpoints_is_chosen_among_in_two_halves_once_for_all_services_of_a_leaf() -> None:
    services = [service(2), service(4), service(8)]
    nat = layout(services, [endpoint_slice(each, 2) for each in (2, 4, 8)], NODE).tables()["nat"]
    (half,) = (rules for chain, rules in nat.items() if chain.startswith("PODLAB-SD-"))
    leaf = next(rules for chain, rules in nat.items() if chain.startswith("PODLAB-SC-"))
    assert [rule.dnat_to for rule in half] == ["10.244.0.10:8080", "10.244.0.18:8080", "10.244.0.34:8080"]
    assert [rule.dnat_to for rule in leaf] == ["", "10.244.0.11:8080", "10.244.0.19:8080", "10.244.0.35:8080"]
    assert (leaf[0].one_in, leaf[0].goto) == (2, True)


def test_what_does_not_come_from_pods_is_marked_only_where_it_is_for_a_service() -> None:
    tables = wanted_tables(to_ruleset(layout([service(2), service(8)], [endpoint_slice(2, 2)], NODE).tables()))
    places = ("10.96.1.3", "10.96.1.9", "10.96.1.7")
    found = [follow(tables, Packet("192.0.2.7", place, 80, from_node=True)) for place in places]
    assert [[landing.packet.mark for landing in each.landings] for each in found] == [[0, 0], [0], [0]]
    assert [each.masqueraded for each in found] == [True, False, False]


AIM = 64  # rules that a new connection meets at most with 10,000 Services
TRIED = 25
NODE_ADDRESS, CLIENT = "192.0.2.11", "203.0.113.5"
AROUND = Surroundings(frozenset({NODE_ADDRESS}))


@pytest.fixture(scope="module", params=[many_services.dense, many_services.spread, many_services.half_of_each])
def many(request: pytest.FixtureRequest) -> many_services.World:
    return many_services.world(request.param)


def worst(standing: Sequence[Table], packets: Iterable[Packet]) -> int:
    """The most rules that one of them meets. Each is led somewhere, or refused."""
    found = [follow(standing, packet, AROUND) for packet in packets]
    assert all(each.endpoints or each.rejected for each in found)
    return max(each.met for each in found)


def some(addresses: Sequence[str]) -> list[str]:
    """The first and the last, and others by chance."""
    return [*addresses[:2], *addresses[-2:], *random.Random(1).sample(addresses, TRIED)]


def test_few_rules_are_met_from_other_nodes_pods(many: many_services.World) -> None:
    packets = (Packet("10.244.9.9", place, 80) for place in some(many.services))
    assert worst(many.tables, packets) <= AIM


@pytest.mark.parametrize("pod", [many_services.OWN_PODS[0], many_services.OWN_PODS[-1]])
def test_few_rules_are_met_between_pods_of_this_node(many: many_services.World, pod: str) -> None:
    both_here = many.services[: many_services.PODS_PER_NODE // many_services.ENDPOINTS]
    assert worst(many.tables, (Packet(pod, place, 80) for place in both_here)) <= AIM


def test_few_rules_are_met_from_the_node_itself(many: many_services.World) -> None:
    packets = (Packet(NODE_ADDRESS, place, 80, from_node=True) for place in some(many.services))
    assert worst(many.tables, packets) <= AIM


def test_few_rules_are_met_from_outside_to_external_and_load_balancers_addresses(many: many_services.World) -> None:
    assert worst(many.tables, (Packet(CLIENT, place, 80) for place in some(many.others))) <= AIM


def test_few_rules_are_met_from_outside_to_node_ports(many: many_services.World) -> None:
    ports = [0, many_services.NODE_PORTS - 1, *random.Random(1).sample(range(many_services.NODE_PORTS), TRIED)]
    packets = (Packet(CLIENT, NODE_ADDRESS, many_services.FIRST_NODE_PORT + port, local=True) for port in ports)
    assert worst(many.tables, packets) <= AIM


def test_what_is_for_no_service_meets_few(many: many_services.World) -> None:
    found = follow(many.tables, Packet(many_services.OWN_PODS[0], "198.51.100.7", 443), AROUND)
    assert not found.endpoints
    assert found.met <= 12


def test_few_rules_are_met_where_half_of_the_services_refuse() -> None:
    places = many_services.spread(many_services.SERVICE_RANGE)
    empty = [
        Frontend(f"default/s{number}", place, "tcp", 80, (), inside=True, refusal=REJECT)
        for number, place in enumerate(places[::2])
    ]
    standing = many_services.tables(many_services.inside(places[1::2]), iter(empty))
    assert worst(standing, (Packet("10.244.9.9", place, 80) for place in some(places))) <= AIM
