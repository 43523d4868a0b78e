from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from podlab_testing.policy_cases import cluster, policy, policy_cases

from node.networkpolicy.script import HOOKS, Collection, Ruleset, difference, render, replacement

CASES = policy_cases()
RULESETS = [render(cluster("n1", case.policies).table()) for case in CASES]
TABLE = "inet podlab-policy"


class Table:
    """What nft does with a script, as far as ours go; it refuses what the kernel would refuse."""

    def __init__(self) -> None:
        self.is_there = False
        self.chains: dict[str, list[str]] = {}
        self.sets: dict[str, set[str]] = {}

    def apply(self, script: str) -> None:
        for line in script.splitlines():
            verb, kind, family, table, *rest = line.split(" ")
            assert f"{family} {table}" == TABLE, line
            if kind == "table":
                self.chains, self.sets, self.is_there = {}, {}, verb == "add"
                continue
            assert self.is_there, line
            name, text = rest[0], " ".join(rest[1:])
            getattr(self, f"_{verb}_{kind}")(name, text)

    def _add_chain(self, name: str, text: str) -> None:
        assert name not in self.chains
        self.chains[name] = []

    def _flush_chain(self, name: str, text: str) -> None:
        self.chains[name].clear()

    def _delete_chain(self, name: str, text: str) -> None:
        assert not self.chains.pop(name)
        assert all(not re.search(rf"jump {re.escape(name)}$", each) for each in self._all()), name

    def _add_rule(self, name: str, text: str) -> None:
        for used in re.findall(r"@([^ ]+)", text):
            assert used in self.sets, (text, used)
        for target in re.findall(r"jump ([^ ]+)", text):
            assert target in self.chains, (text, target)
        # What decides is counted; that changes no decision, and is left out here as in what is wanted.
        assert ("counter " in text) == bool(re.search(r"(accept|drop|jump \S+)$", text)), text
        self.chains[name].append(text.replace("counter ", ""))

    def _insert_rule(self, name: str, text: str) -> None:
        self._add_rule(name, text)
        self.chains[name].insert(0, self.chains[name].pop())

    def _add_set(self, name: str, text: str) -> None:
        assert name not in self.sets
        self.sets[name] = set()

    _add_map = _add_set

    def _delete_set(self, name: str, text: str) -> None:
        del self.sets[name]
        assert all(f"@{name} " not in f"{rule} " for rules in self.chains.values() for rule in rules), name

    _delete_map = _delete_set

    def _add_element(self, name: str, text: str) -> None:
        new = set(text.strip("{} ").split(", "))
        assert not new & self.sets[name]
        for each in new:
            if " : jump " in each:
                assert each.split(" : jump ")[1] in self.chains
        self.sets[name] |= new

    def _delete_element(self, name: str, text: str) -> None:
        gone = set(text.strip("{} ").split(", "))
        assert gone <= self.sets[name]
        self.sets[name] -= gone

    def _all(self) -> list[str]:
        return [
            *(rule for rules in self.chains.values() for rule in rules),
            *(each for found in self.sets.values() for each in found),
        ]

    def holds(self, wanted: Ruleset) -> bool:
        """But for the order of a chain's rules: what drops is the last, and of those before any may accept."""
        sets = {name: set(each.elements) for name, each in wanted.collections.items()}
        chains = {name: sorted(rules) for name, rules in self.chains.items()}
        drops_last = all("drop" not in rules[:-1] for rules in self.chains.values())
        return (
            drops_last
            and self.sets == sets
            and chains == {name: sorted(rules) for name, rules in wanted.chains.items()}
        )


@settings(max_examples=300)
@given(st.lists(st.sampled_from(RULESETS), min_size=1, max_size=5))
def test_differences_lead_from_each_state_to_the_next(states: list[Ruleset]) -> None:
    table, present = Table(), Ruleset()
    for wanted in states:
        table.apply(difference(present, wanted))
        assert table.holds(wanted)
        present = wanted


@pytest.mark.parametrize("number", range(len(RULESETS)), ids=[case.name for case in CASES])
def test_a_whole_table_takes_the_place_of_any(number: int) -> None:
    table = Table()
    table.apply(replacement(RULESETS[0 - number]))
    table.apply(replacement(RULESETS[number]))
    assert table.holds(RULESETS[number])


def test_states_that_are_the_same_need_no_script() -> None:
    assert difference(RULESETS[3], RULESETS[3]) == ""
    assert difference(Ruleset(), Ruleset()) == ""


def test_groups_that_policies_share_are_one_set() -> None:
    peers = [{"from": [{"podSelector": {"matchLabels": {"app": "db"}}}]}]
    web = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"], "ingress": peers}
    found = render(cluster("n1", [policy(0, **web), policy(1, **web)]).table())
    groups = {name: each for name, each in found.collections.items() if re.match("pods-", name)}
    assert list(groups.values()) == [
        Collection("set ipv4_addr", frozenset({"10.244.1.5"}), "namespace shop, pods app=web"),
        Collection("set ipv4_addr", frozenset({"10.244.1.6"}), "namespace shop, pods app=db"),
    ]


def test_names_of_chains_are_readable_and_short() -> None:
    made = policy(0, podSelector={}, policyTypes=["Ingress"])
    made.metadata.name = "n" * 253
    again = policy(0, podSelector={}, policyTypes=["Ingress"])
    again.metadata.name = "n" * 252
    chains = set(render(cluster("n1", [made, again]).table()).chains) - {*HOOKS, "ingress-ns-shop"}
    assert len(chains) == 2
    assert all(re.fullmatch(r"ingress-[0-9a-f]{12}-shop/n+", name) and len(name) == 100 for name in chains)
