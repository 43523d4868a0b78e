"""Which NUMA nodes suit all resources of a container."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from node.kubelet.numa.hints import ANYWHERE, Hint, merge, of_counted, sets

NODES = (0, 1)
CPUS = {0: (0,), 1: (0,), 2: (1,), 3: (1,)}
A, B, BOTH = frozenset({0}), frozenset({1}), frozenset({0, 1})


def test_all_sets_of_nodes_come_small_ones_first() -> None:
    assert sets((1, 0)) == [A, B, BOTH]


@pytest.mark.parametrize(
    ("free", "reused", "count", "found"),
    [
        ({0, 1, 2, 3}, (), 1, [Hint(A, True), Hint(B, True), Hint(BOTH, False)]),
        ({0, 1, 2, 3}, (), 3, [Hint(BOTH, True)]),
        ({1, 3}, (), 2, [Hint(BOTH, False)]),  # one node could have two, if others had none
        ({1, 2, 3}, (), 2, [Hint(B, True), Hint(BOTH, False)]),
        ({2, 3}, (0,), 1, [Hint(A, True), Hint(BOTH, False)]),  # what is used again stays
        ((), (), 1, []),
        ({0, 1, 2, 3}, (), 5, []),
    ],
)
def test_what_can_be_counted_is_wished_from_as_few_nodes_as_could_have_it(
    free: set[int], reused: tuple[int, ...], count: int, found: list[Hint]
) -> None:
    assert of_counted(NODES, CPUS, free, reused, count) == found


def test_a_device_near_to_both_nodes_is_found_from_either() -> None:
    assert of_counted(NODES, {"d": (0, 1)}, {"d"}, (), 1) == [Hint(A, True), Hint(B, True), Hint(BOTH, False)]


@pytest.mark.parametrize(
    ("asked", "nodes", "admitted"),
    [
        # best-effort, restricted, single-numa-node
        ([], BOTH, (True, True, True)),
        ([[ANYWHERE]], BOTH, (True, True, True)),
        ([[Hint(A, True), Hint(BOTH, False)], [Hint(A, True)]], A, (True, True, True)),
        ([[Hint(A, True)], [Hint(B, True)]], BOTH, (True, False, False)),
        ([[Hint(A, True), Hint(B, True)], [Hint(B, True)]], B, (True, True, True)),
        ([[Hint(BOTH, True)], [Hint(BOTH, True)]], BOTH, (True, True, False)),
        ([[Hint(BOTH, False)]], BOTH, (True, False, False)),
        ([[]], BOTH, (True, False, False)),
        ([[Hint(A, True)], [Hint(BOTH, True)]], A, (True, False, False)),
    ],
)
def test_the_nodes_that_suit_all_best_are_chosen_and_the_policy_judges_them(
    asked: Sequence[Sequence[Hint]], nodes: frozenset[int], admitted: tuple[bool, bool, bool]
) -> None:
    policies = ("best-effort", "restricted", "single-numa-node")
    assert tuple(merge(policy, NODES, asked)[1] for policy in policies) == admitted
    assert merge("best-effort", NODES, asked)[0] == nodes


def test_of_wishes_that_nobody_prefers_that_of_as_many_nodes_as_the_least_modest_needs_is_taken() -> None:
    three = (0, 1, 2)
    wide = [Hint(frozenset({0, 1}), False), Hint(frozenset({1, 2}), False), Hint(frozenset(three), False)]
    narrow = [Hint(frozenset({0}), False), Hint(frozenset({0, 1}), False), Hint(frozenset(three), False)]
    assert merge("best-effort", three, [wide, narrow]) == (frozenset({0, 1}), True)
