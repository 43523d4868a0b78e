import pytest
from podlab_testing.policy_cases import PolicyCase, cluster, gets_through, packet, policy, policy_cases

from node.networkpolicy.table import Packet, only_lets_more, passes

CASES = [pytest.param(case, id=case.name) for case in policy_cases()]
EVERY = {"podSelector": {}, "policyTypes": ["Ingress"]}


@pytest.mark.parametrize("case", CASES)
def test_packets_pass_the_rules_of_both_nodes_as_the_case_says(case: PolicyCase) -> None:
    tables = {name: cluster(name, case.policies).table() for name in ("n1", "n2")}
    assert [each for each in case.passing if not gets_through(tables, each)] == []
    assert [each for each in case.stopped if gets_through(tables, each)] == []


def test_a_node_has_rules_for_its_own_pods_alone() -> None:
    table = cluster("n2", [policy(0, **EVERY)]).table()
    assert table.isolated == {"10.244.2.5"}
    assert passes(table, packet("db > web tcp 80"))


def test_protocols_without_ports_pass_where_no_port_is_asked_for() -> None:
    ping = Packet("10.244.1.6", "10.244.1.5", "icmp")
    asked = {"ports": [{"protocol": "TCP", "port": 80}]}
    assert passes(cluster("n1", [policy(0, **EVERY, ingress=[{}])]).table(), ping)
    assert not passes(cluster("n1", [policy(0, **EVERY, ingress=[asked])]).table(), ping)


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ([EVERY], [EVERY], True),
        ([], [EVERY], False),
        ([EVERY], [EVERY, {**EVERY, "ingress": [{}]}], False),  # it may be less, for all that is known
        ([{**EVERY, "ingress": [{}]}], [EVERY], False),
    ],
)
def test_rules_that_changed_may_let_less_through(before: list[object], after: list[object], more: bool) -> None:
    tables = [cluster("n1", [policy(n, **spec) for n, spec in enumerate(each)]).table() for each in (before, after)]  # type: ignore[arg-type]
    assert only_lets_more(*tables) is more


def test_a_peer_that_comes_lets_more_through_and_one_that_goes_less() -> None:
    peers = {"from": [{"podSelector": {"matchLabels": {"app": "cache"}}}]}
    found = cluster(
        "n1", [policy(0, podSelector={"matchLabels": {"app": "web"}}, policyTypes=["Ingress"], ingress=[peers])]
    )
    with_cache = found.table()
    found.set_pod("shop", "cache", None)
    without = found.table()
    assert only_lets_more(without, with_cache)
    assert not only_lets_more(with_cache, without)
