"""Which pod goes first."""

from __future__ import annotations

import pytest
from podlab_testing.kubelet_pods import make_pod

from node.kubelet.eviction.ranking import PodUse, ranked

# Name, priority, what it uses and what it asked for.
Case = tuple[str, int, int, int]


def _order(resource: str, *cases: Case) -> list[str]:
    uses = [
        PodUse(make_pod(meta={"name": name}, priority=priority), used, asked) for name, priority, used, asked in cases
    ]
    return [use.pod.metadata.name for use in ranked(uses, resource)]


@pytest.mark.parametrize("resource", ["memory", "ephemeral-storage"])
def test_who_keeps_to_its_request_goes_last_whatever_it_uses(resource: str) -> None:
    assert _order(resource, ("modest", 0, 900, 900), ("greedy", 1000, 20, 10)) == ["greedy", "modest"]


def test_of_the_greedy_the_least_important_goes_first() -> None:
    assert _order("memory", ("important", 1000, 900, 0), ("minor", 0, 20, 10)) == ["minor", "important"]


def test_of_equals_goes_who_is_furthest_beyond_its_request() -> None:
    assert _order("memory", ("a", 0, 500, 400), ("b", 0, 300, 10), ("c", 0, 100, 0)) == ["b", "a", "c"]


@pytest.mark.parametrize("resource", ["pids", "inodes"])
def test_nobody_asks_for_processes_or_inodes(resource: str) -> None:
    assert _order(resource, ("few", 0, 3, 0), ("many", 0, 90, 0), ("important", 9, 900, 0)) == [
        "many", "few", "important",
    ]  # fmt: skip
