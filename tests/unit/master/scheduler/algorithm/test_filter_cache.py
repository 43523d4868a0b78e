"""What is remembered of a shape changes no result."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from podlab_testing.scheduling import Fields, node, pod

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.defaults import DEFAULT_PROFILE

ZONE_TERM = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "zone"}
WISH = [{"weight": 5, "podAffinityTerm": ZONE_TERM}]
KINDS: tuple[Fields, ...] = (
    {"cpu": "500m", "memory": "1Gi"},
    {"port": 80},
    {"cpu": "1", "tolerations": [{"operator": "Exists"}]},
    {
        "labels": {"app": "web"},
        "cpu": "100m",
        "topologySpreadConstraints": [{"maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway", **ZONE_TERM}],
    },
    {
        "labels": {"app": "web"},
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": WISH}},
    },
)
NODES = ("a zone=x cpu=2", "b zone=y", "c zone=y !k:PreferNoSchedule", "d cpu=1 !k:NoSchedule", "e zone=x cordoned")
steps = st.one_of(
    st.tuples(st.just("schedule"), st.integers(0, len(KINDS) - 1)),
    st.tuples(st.just("remove"), st.integers(0, 20)),
    st.tuples(st.just("change"), st.sampled_from(["a zone=y cpu=1", "a zone=x cpu=2", "e zone=x", "e cordoned"])),
    st.tuples(st.just("leave"), st.sampled_from(["b", "c"])),
)


@settings(max_examples=100)
@given(st.lists(steps, max_size=30))
def test_a_result_is_the_same_with_and_without_memory(history: list[tuple[str, int | str]]) -> None:
    nodes, cache = Snapshot(), FilterCache()
    for text in NODES:
        nodes.set_node(node(text))
    for number, (action, what) in enumerate(history):
        if action == "change":
            nodes.set_node(node(what))
        elif action == "leave":
            nodes.remove_node(what)
        elif action == "remove":
            nodes.remove_pod(f"p{what}")
        else:
            info = pod_info(pod(KINDS[what], f"p{number}"))
            result = schedule_pod(info, nodes, DEFAULT_PROFILE, cache)
            fresh = schedule_pod(info, nodes, DEFAULT_PROFILE, FilterCache())
            assert result.node_name == fresh.node_name
            assert result.message == fresh.message
            assert np.array_equal(result.totals, fresh.totals)
            assert np.array_equal(result.statuses.filters, fresh.statuses.filters)
            if result.node_name:
                nodes.add_pod(info, result.node_name)


def test_a_result_that_was_made_stays_as_it_was() -> None:
    nodes, cache = Snapshot(), FilterCache()
    for text in NODES:
        nodes.set_node(node(text))
    first = schedule_pod(pod_info(pod({"cpu": "1"}, "first")), nodes, DEFAULT_PROFILE, cache)
    totals = first.totals.copy()
    for number in range(5):
        info = pod_info(pod({"cpu": "1"}, f"p{number}"))
        result = schedule_pod(info, nodes, DEFAULT_PROFILE, cache)
        if result.node_name:
            nodes.add_pod(info, result.node_name)
    assert np.array_equal(first.totals, totals)
