"""Scores that Kubernetes documents by formula."""

from typing import Any

import numpy as np
import pytest
from podlab_testing.scheduling import Case, check, cluster, node, pod

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config import plugin_args
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.config.profile import Profile, WeightedScore
from master.scheduler.plugins.interpod_affinity import InterPodAffinity
from master.scheduler.plugins.node_affinity import NodeAffinity
from master.scheduler.plugins.topology_spread import PodTopologySpread
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key
from podlab.api.selection.selectors import Selector, from_labels

GPU = "example.com/gpu"
CPU = [{"name": "cpu", "weight": 1}]


def fit(kind: str, resources: list[dict[str, Any]], shape: list[tuple[int, int]] | None = None) -> Any:
    points = [{"utilization": at, "score": score} for at, score in shape or []]
    ratio = {"requestedToCapacityRatio": {"shape": points}} if points else {}
    return plugin_args.node_resources_fit({"scoringStrategy": {"type": kind, "resources": resources, **ratio}}, "args")


RATIO = "RequestedToCapacityRatio"
BOTH = [{"name": "cpu", "weight": 3}, {"name": "memory", "weight": 1}]


@pytest.mark.parametrize(
    ("plugin", "wanted", "score"),
    [
        (fit("LeastAllocated", CPU), {"cpu": "1"}, 75),
        (fit("MostAllocated", CPU), {"cpu": "1"}, 25),
        (fit("LeastAllocated", BOTH), {"cpu": "1", "memory": "4Gi"}, 68),  # (75 * 3 + 50) / 4
        (fit("MostAllocated", BOTH), {"cpu": "1", "memory": "4Gi"}, 31),  # (25 * 3 + 50) / 4
        (fit("LeastAllocated", CPU), {}, 97),  # 100m are taken to be used
        (fit("LeastAllocated", [*CPU, {"name": GPU, "weight": 1}]), {"cpu": "1"}, 75),  # it does not ask for any
        (fit("LeastAllocated", [*CPU, {"name": GPU, "weight": 1}]), {"cpu": "1", GPU: 1}, 62),  # (75 + 50) / 2
        (fit(RATIO, CPU, [(0, 0), (100, 10)]), {"cpu": "1"}, 25),
        (fit(RATIO, CPU, [(0, 10), (100, 0)]), {"cpu": "1"}, 75),
        (fit(RATIO, CPU, [(0, 0), (50, 10), (100, 0)]), {"cpu": "1"}, 50),
        (fit(RATIO, CPU, [(0, 0), (50, 10), (100, 0)]), {"cpu": "3"}, 50),
        (fit(RATIO, CPU, [(40, 3), (100, 10)]), {"cpu": "1"}, 30),  # before the first point
        (fit(RATIO, CPU, [(0, 0), (20, 4)]), {"cpu": "1"}, 40),  # after the last one
        (fit(RATIO, [{"name": GPU, "weight": 5}, *CPU], [(0, 0), (100, 10)]), {"cpu": "1", GPU: 2}, 88),  # 525 / 6
    ],
)
def test_resources(plugin: Any, wanted: dict[str, Any], score: int) -> None:
    nodes = Snapshot()
    nodes.set_node(node(f"a cpu=4 memory=8Gi {GPU}=2"))
    found = plugin.score(pod_info(pod(wanted)), nodes, nodes.all)
    assert found.tolist() == [score]


def test_a_pod_without_requests_is_not_drawn_by_balance() -> None:
    given = {each.plugin: each for each in check(Case("", ["a"], {}, "a")).scores}
    assert "NodeResourcesBalancedAllocation" not in given
    assert "NodeResourcesFit" in given


def test_balance_over_more_resources() -> None:
    args = {"resources": [{"name": name} for name in ("cpu", "memory", GPU)]}
    plugin = plugin_args.balanced_allocation(args, "args")
    nodes = Snapshot()
    nodes.set_node(node(f"a cpu=4 memory=8Gi {GPU}=4"))
    nodes.set_node(node("b cpu=4 memory=8Gi"))
    found = plugin.score(pod_info(pod({"cpu": "1", "memory": "2Gi", GPU: 3})), nodes, nodes.all)
    assert found is not None
    assert found.tolist() == [76, 100]  # the deviation of 0.25, 0.25, 0.75 is 0.236; b has no GPUs to compare


def with_plugins(*plugins: Any) -> Profile:
    filters = tuple(each for each in plugins if hasattr(each, "filter"))
    return Profile(
        "default-scheduler", filters, tuple(WeightedScore(each, 1) for each in plugins if hasattr(each, "score"))
    )


def test_added_affinity_is_asked_of_all_pods() -> None:
    term = {"matchExpressions": [{"key": "pool", "operator": "Exists"}]}
    added = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    plugin = plugin_args.node_affinity({"addedAffinity": added}, "args")
    assert isinstance(plugin, NodeAffinity)
    check(Case("", ["a", "b pool=1"], {}, "b"), with_plugins(plugin))
    message = "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity."
    check(Case("", ["a"], {}, message=message), with_plugins(plugin))


@pytest.mark.parametrize(("weight", "wins"), [(100, "b"), (0, "a")])
def test_the_weight_of_a_standing_pods_need(weight: int, wins: str) -> None:
    term = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "kubernetes.io/hostname"}
    needy = {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
    fewer_pods = plugin_args.node_resources_fit({}, "args")
    case = Case("", ["a", "b"], {"labels": {"app": "web"}}, "a b", wins, existing={"b": [needy]})
    check(case, with_plugins(InterPodAffinity(weight), fewer_pods))


def spread_by(selectors: dict[Key, Selector], profile: Profile = DEFAULT_PROFILE) -> list[int] | None:
    labels = {"labels": {"app": "web"}}
    nodes = cluster(Case("", ["a", "b"], {}, existing={"a": [labels, labels]}))
    for key, selector in selectors.items():
        nodes.workload_selectors.set(key, selector)
    result = schedule_pod(pod_info(pod(labels)), nodes, profile, FilterCache())
    given = [each for each in result.scores if each.plugin == "PodTopologySpread"]
    return given[0].normalized.tolist() if given else None


def test_pods_of_a_service_are_spread_over_nodes_without_saying_so() -> None:
    found = spread_by({Key(GroupKind("", "Service"), "default", "web"): from_labels({"app": "web"})})
    assert found is not None
    assert found[1] == 100 > found[0]


@pytest.mark.parametrize(
    "selectors",
    [
        {},
        {Key(GroupKind("", "Service"), "other", "web"): from_labels({"app": "web"})},
        {Key(GroupKind("", "Service"), "default", "db"): from_labels({"app": "db"})},
        {Key(GroupKind("apps", "ReplicaSet"), "default", "web"): from_labels({"app": "web"})},
    ],
)
def test_pods_that_belong_to_nothing_are_not(selectors: dict[Key, Selector]) -> None:
    assert spread_by(selectors) is None


def test_own_defaults_take_the_place_of_the_systems() -> None:
    service = {Key(GroupKind("", "Service"), "default", "web"): from_labels({"app": "web"})}
    assert spread_by(service, with_plugins(PodTopologySpread((), system_defaulting=False))) is None
    given = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    args = {"defaultingType": "List", "defaultConstraints": [given]}
    profile = with_plugins(plugin_args.pod_topology_spread(args, "args"))
    labels = {"labels": {"app": "web"}}
    nodes = cluster(Case("", ["a", "b"], {}, existing={"a": [labels]}))
    nodes.workload_selectors.set(*service.popitem())
    assert schedule_pod(pod_info(pod(labels)), nodes, profile, FilterCache()).node_name == "b"


def test_profiles_with_other_defaults_do_not_see_each_others_places() -> None:
    def defaults(*keys: str) -> Profile:
        given = [{"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule"} for key in keys]
        args = {"defaultingType": "List", "defaultConstraints": given}
        return with_plugins(plugin_args.pod_topology_spread(args, "args"))

    labels = {"labels": {"app": "web"}}
    nodes = cluster(Case("", ["a zone=x", "b zone=x"], {}, existing={"a": [labels]}))
    nodes.workload_selectors.set(Key(GroupKind("", "Service"), "default", "web"), from_labels({"app": "web"}))
    by_zone = schedule_pod(pod_info(pod(labels)), nodes, defaults("zone"), FilterCache())
    by_both = schedule_pod(pod_info(pod(labels)), nodes, defaults("kubernetes.io/hostname", "zone"), FilterCache())
    assert len(by_zone.feasible) == 2
    assert by_both.node_name == "b"


def test_no_raw_score_of_spread_is_lost_by_rounding() -> None:
    assert PodTopologySpread.normalize(np.array([3, 1, -1, 2])).tolist() == [33, 100, 0, 66]
