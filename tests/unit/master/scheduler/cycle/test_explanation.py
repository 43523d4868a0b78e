"""A decision as it is told: each node by each plugin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from podlab_testing.scheduling import Case, Fields, cluster, pod

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.cycle.decision import Decision
from master.scheduler.cycle.explanation import CANDIDATES_EXPLAINED, explanation
from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.plugins.dynamic_resources import DynamicResources
from master.scheduler.preemption.disruption_budgets import DisruptionBudgets
from master.scheduler.preemption.evaluator import Evaluator
from podlab.api.values import times
from podlab.v1.scheduler_pb2 import Explanation, NodeVerdict


def decided(case: Case) -> Decision:
    nodes, info = cluster(case), pod_info(pod(case.pod))
    result = schedule_pod(info, nodes, DEFAULT_PROFILE, FilterCache())
    preemption = None
    if not result.node_name:
        preemption = Evaluator().preempt(
            info, nodes, result, DisruptionBudgets([]), DefaultPreemption(), shape=info.shape, nominated_node=""
        )
    deallocation = DynamicResources().deallocation(info, nodes) if not result.node_name else None
    return Decision(info.pod, result, preemption, times.now(), 3, 1500, deallocation=deallocation)


def explained(*nodes: str, existing: Mapping[str, Sequence[Fields]] | None = None, **given: object) -> Explanation:
    return explanation(decided(Case("", nodes, given, existing=existing or {})))


def by_name(found: Explanation) -> dict[str, NodeVerdict]:
    return {node.node_name: node for node in found.nodes}


def test_who_was_chosen_when_and_by_whom() -> None:
    found = explained("a", "b cpu=8", cpu="1")
    assert (found.namespace, found.name, found.node_name) == ("default", "new", "b")
    assert (found.scheduler_name, found.attempts, found.duration_us) == ("default-scheduler", 3, 1500)
    assert not found.message
    assert not found.tied
    assert not found.recomputed


def test_points_add_up() -> None:
    found = explained("a", "b cpu=8", "c disk=ssd", cpu="1")
    for node in found.nodes:
        points = [plugin.weight * each for plugin, each in zip(found.scores, node.normalized, strict=True)]
        assert sum(points) == node.total
        assert len(node.raw) == len(found.scores)
    assert max(node.total for node in found.nodes) == by_name(found)["b"].total


def test_a_node_that_refuses_says_who_and_why_and_has_no_points() -> None:
    found = explained("a cordoned", "b cpu=1", "c", cpu="2")
    nodes = by_name(found)
    assert found.filters[nodes["a"].refused_by] == "NodeUnschedulable"
    assert list(nodes["a"].reasons) == ["node(s) were unschedulable"]
    assert found.filters[nodes["b"].refused_by] == "NodeResourcesFit"
    assert list(nodes["b"].reasons) == ["Insufficient cpu"]
    assert not nodes["b"].total
    assert not nodes["b"].raw
    assert not nodes["c"].HasField("refused_by")


def test_filters_are_told_as_they_were_asked() -> None:
    filters = list(explained("a").filters)
    assert filters.index("NodeResourcesFit") < filters.index("PodTopologySpread")
    assert sorted(filters) == sorted(each.name for each in DEFAULT_PROFILE.filters)


def test_plugins_to_which_all_nodes_are_alike_are_left_out() -> None:
    assert "TaintToleration" not in [each.name for each in explained("a", "b").scores]
    assert "TaintToleration" in [each.name for each in explained("a !k:PreferNoSchedule", "b").scores]


def test_those_among_whom_was_drawn_are_told_in_order() -> None:
    found = explained("c", "a", "b cpu=2", cpu="1")
    assert list(found.tied) == ["a", "c"]
    assert found.node_name in found.tied


def test_a_pod_that_fits_nowhere_is_told_the_sentence_of_its_condition() -> None:
    case = Case("", ["a cordoned", "b cpu=1"], {"cpu": "2", "priority": 5}, existing={"b": [{"cpu": "1"}]})
    found = decided(case)
    assert found.failure_message == explanation(found).message
    assert explanation(found).message == (
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. "
        "no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
    )


def test_who_can_make_room_the_least_harm_first() -> None:
    existing = {name: [{"cpu": "4", "priority": number}] for number, name in enumerate("cba")}
    found = explained("a", "b", "c", cpu="2", priority=5, existing=existing).preemption
    assert found.node_name == "c"
    assert [each.node_name for each in found.candidates] == ["c", "b", "a"]
    victims = [(each.namespace, each.name, each.priority) for each in found.candidates[0].victims]
    assert victims == [("default", "c-0", 0)]


def test_no_more_candidates_are_told_than_anybody_reads() -> None:
    names = [f"n{number}" for number in range(CANDIDATES_EXPLAINED + 5)]
    found = explained(*names, cpu="2", priority=5, existing={name: [{"cpu": "4"}] for name in names})
    assert len(found.preemption.candidates) <= CANDIDATES_EXPLAINED


def test_without_nodes_there_is_nothing_but_the_sentence() -> None:
    found = explained()
    assert not found.nodes
    assert found.message.startswith("no nodes available to schedule pods")


def test_a_decision_knows_how_much_memory_it_holds() -> None:
    found = decided(Case("", ["a", "b"], {"cpu": "1"}))
    result = found.result
    arrays = [result.statuses.filters, result.statuses.codes, result.totals]
    arrays += [array for scores in result.scores for array in (scores.raw, scores.normalized)]
    assert found.nbytes == sum(array.nbytes for array in arrays)
