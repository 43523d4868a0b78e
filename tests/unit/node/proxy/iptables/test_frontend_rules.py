from dataclasses import replace

import pytest

from node.proxy.frontends import Frontend
from node.proxy.iptables.frontend_rules import FEW_ENDPOINTS, leading_to_endpoints

INSIDE = Frontend("default/web:http", "10.96.0.10", "tcp", 80, ("10.244.0.5:8080", "10.244.1.6:8080"), inside=True)


def test_few_endpoints_are_chosen_among_in_the_leaf_the_halves_of_an_even_number_by_what_chooses_for_all() -> None:
    made = leading_to_endpoints(INSIDE, "10.244.0.0/16")
    assert (made.chains, made.rules) == ({}, ())
    assert [list(map(str, half)) for half in made.halves] == [
        ["-d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.5:8080"],
        ["-d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.1.6:8080"],
    ]


@pytest.mark.parametrize("count", [1, 3, FEW_ENDPOINTS + 1, FEW_ENDPOINTS + 2])
def test_endpoints_are_chosen_with_equal_chances(count: int) -> None:
    made = leading_to_endpoints(replace(INSIDE, endpoints=tuple(map(str, range(count)))), "")
    rules = made.rules if count <= FEW_ENDPOINTS else next(iter(made.chains.values()))
    assert [rule.one_in for rule in rules] == [*range(count, 1, -1), 0]


def test_each_half_of_the_endpoints_is_chosen_from_with_equal_chances() -> None:
    made = leading_to_endpoints(replace(INSIDE, endpoints=tuple("abcd")), "")
    assert [[(rule.dnat_to, rule.one_in) for rule in half] for half in made.halves] == [
        [("a", 2), ("b", 0)], [("c", 2), ("d", 0)],
    ]  # fmt: skip


def test_client_affinity_remembers_its_endpoint_by_a_list_that_other_endpoints_do_not_change() -> None:
    made, fewer = (
        leading_to_endpoints(replace(INSIDE, endpoints=endpoints, affinity_s=10800), "")
        for endpoints in (INSIDE.endpoints, INSIDE.endpoints[1:])
    )
    rules, left = (next(iter(each.chains.values())) for each in (made, fewer))
    assert [(rule.recent_seconds, bool(rule.one_in)) for rule in rules] == [
        (10800, False), (10800, False), (0, True), (0, False),
    ]  # fmt: skip
    assert all(rule.remember_source for rule in rules)
    assert {rule.remember_source for rule in left} == {rules[1].remember_source}
