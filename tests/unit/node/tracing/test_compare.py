"""What is missing, foreign or different on a packet's way is named, and nothing else."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from podlab_testing.services import CLUSTER_CIDR, endpoint_slice, exposures, layout, service

from node.proxy.exposures import Exposures
from node.proxy.iptables.layout import to_ruleset
from node.proxy.nftables.wanted import table_of
from node.proxy.node import ProxyNode
from node.tracing.compare import findings
from node.tracing.follow import follow
from node.tracing.iptables_rules import wanted_tables
from node.tracing.packet import Packet
from node.tracing.tables import Chain, Hook, Line, Table

NODE = ProxyNode("n1", CLUSTER_CIDR)
PACKET = Packet("10.244.9.9", "10.96.1.1", 80)
Changing = Callable[[Chain], Chain]


def by_iptables() -> list[Table]:
    services, slices = [service(number) for number in range(3)], [endpoint_slice(number, 2) for number in range(3)]
    return wanted_tables(to_ruleset(layout(services, slices, NODE).tables()))


def by_nftables() -> list[Table]:
    known = Exposures()
    known.change(exposures(map(service, range(3)), [endpoint_slice(number, 2) for number in range(3)], NODE))
    return [table_of(known.frontends(), known.own_endpoints(), NODE)]


def changed(tables: list[Table], chain: str, change: Changing) -> list[Table]:
    return [
        replace(table, chains={**table.chains, chain: change(table.chains[chain])}) if chain in table.chains else table
        for table in tables
    ]


def found(live: list[Table], wanted: list[Table]) -> list[str]:
    return [f"{each.kind} {each.what}" for each in findings(live, wanted, follow(live, PACKET), follow(wanted, PACKET))]


@pytest.mark.parametrize("wanted", [by_iptables(), by_nftables()])
def test_nothing_is_found_where_all_is_as_it_should_be(wanted: list[Table]) -> None:
    assert found(wanted, wanted) == []


def test_a_rule_that_is_gone_is_missing() -> None:
    wanted = by_iptables()
    chain = next(name for name in wanted[0].chains if name.startswith("PODLAB-SC-"))
    live = changed(wanted, chain, lambda each: replace(each, lines=each.lines[:1] + each.lines[2:]))
    gone = wanted[0].chains[chain].lines[1].text
    assert found(live, wanted) == [f"missing {gone}"]


def test_a_jump_that_is_gone_is_missing_and_so_is_a_whole_chain() -> None:
    wanted = by_iptables()
    assert found(changed(wanted, "PREROUTING", lambda each: replace(each, lines=())), wanted) == [
        'missing -m comment --comment "podlab services" -j PODLAB-SVC'
    ]
    nothing: list[Table] = [Table("iptables", "ip", "nat", {"PREROUTING": Chain(hook=Hook("prerouting", "nat", -100))})]
    assert "missing the chain is not there, nor are its 2 rules" in found(nothing, wanted)


def test_a_rule_of_another_in_a_chain_of_ours_is_foreign_and_so_is_what_drops_the_packet_before() -> None:
    wanted = by_iptables()
    foreign = Line("-p tcp -j ACCEPT")
    assert found(changed(wanted, "PODLAB-SVC", lambda each: replace(each, lines=(foreign, *each.lines))), wanted) == [
        "foreign -p tcp -j ACCEPT"
    ]
    dropping = Line("-s 10.244.9.9/32 -m conntrack --ctstate NEW -j DROP")
    live = changed(wanted, "FORWARD", lambda each: replace(each, lines=(dropping, *each.lines)))
    assert found(live, wanted) == [f"foreign {dropping.text}"]
    assert follow(live, PACKET).dropped


def test_foreign_rules_that_only_let_pass_or_are_about_others_are_none_of_its_business() -> None:
    wanted = by_iptables()
    others = (Line("-j ACCEPT"), Line("-i docker0 -p udp -j DROP"), Line("-s 192.0.2.0/24 -j REJECT"))
    assert found(changed(wanted, "FORWARD", lambda each: replace(each, lines=(*each.lines, *others))), wanted) == []


def test_an_element_of_a_map_that_is_gone_or_leads_elsewhere_is_named() -> None:
    wanted = by_nftables()
    key = "10.96.1.1 . tcp . 80"
    without = {name: {at: to for at, to in each.items() if at != key} for name, each in wanted[0].maps.items()}
    assert found([replace(wanted[0], maps=without)], wanted)[:1] == [f"missing {key} : goto choose-2"]
    moved = {**wanted[0].maps, "endpoints-0": {key: "192.0.2.66 . 80"}}
    assert found([replace(wanted[0], maps=moved)], wanted) == [
        f"different {key} : 192.0.2.66 . 80, and should be 10.244.0.2 . 8080"
    ]


def test_rules_in_another_order_are_different() -> None:
    wanted = by_iptables()
    live = changed(wanted, "PODLAB-SNAT", lambda each: replace(each, lines=each.lines[::-1]))
    assert "different the rules are in another order than they should be" in found(live, wanted)
