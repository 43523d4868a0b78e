"""Decisions as the loop makes them: what is known is used again, and nothing is left behind."""

from __future__ import annotations

import pytest

from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.defaults import DEFAULT_PROFILE
from master.scheduler.cycle.scheduling_algorithm import SchedulingAlgorithm
from master.scheduler.preemption.disruption_budgets import DisruptionBudgets
from master.scheduler.preemption.nominated_pods import NominatedPods
from podlab.api.values import times
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import BadRequest


class Cluster:
    def __init__(self, **nodes: str) -> None:
        self.snapshot = Snapshot()
        self.nominated_pods = NominatedPods(self.snapshot)
        profiles = {DEFAULT_PROFILE.scheduler_name: DEFAULT_PROFILE}
        budgets = DisruptionBudgets([])
        self.algorithm = SchedulingAlgorithm(
            profiles, self.snapshot, self.nominated_pods, lambda: budgets, clock=lambda: 0.0, now=times.now
        )
        for name, cpu in nodes.items():
            self.add(name, cpu)

    def add(self, name: str, cpu: str) -> None:
        node = Node()
        node.metadata.name = name
        node.metadata.labels["kubernetes.io/hostname"] = name
        for resource, amount in (("cpu", cpu), ("memory", "4Gi"), ("pods", "110")):
            node.status.allocatable[resource].string = amount
        self.snapshot.set_node(node)

    def decided(self, pod: Pod) -> str:
        return self.algorithm.schedule(pod_info(pod), 1).result.node_name


def pod(
    name: str, cpu: str = "600m", priority: int = 0, *, scheduler: str = "default-scheduler", node: str = ""
) -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = name, "default", f"uid-{name}"
    made.spec.priority, made.spec.schedulerName, made.spec.nodeName = priority, scheduler, node
    made.spec.containers.add(name="c").resources.requests["cpu"].string = cpu
    return made


def test_pods_of_one_shape_are_told_the_same_until_something_happens() -> None:
    cluster = Cluster(n1="1")
    standing = pod_info(pod("a", node="n1"))
    cluster.snapshot.add_pod(standing, "n1")
    first, second = (cluster.algorithm.schedule(pod_info(pod(name)), 1) for name in ("b", "c"))
    assert second.result is first.result
    assert second.pod.metadata.name == "c"
    cluster.snapshot.remove_pod(standing.uid)
    assert cluster.decided(pod("c")) == "n1"


def test_a_node_that_comes_is_seen_by_those_that_waited_in_vain() -> None:
    cluster = Cluster(n1="100m")
    assert cluster.decided(pod("a")) == ""
    cluster.add("n2", "1")
    assert cluster.decided(pod("b")) == "n2"


def test_a_nominated_pod_takes_the_node_where_room_was_made() -> None:
    cluster = Cluster(n1="1", n2="8")
    nominated = pod_info(pod("high", priority=10))
    cluster.nominated_pods.add(nominated, "n1")
    made = cluster.algorithm.schedule(nominated, 2)
    assert (made.result.node_name, made.used_nomination) == ("n1", True)
    assert cluster.decided(pod("low")) == "n2"


def near(made: Pod, app: str) -> Pod:
    """Has to be on a node with pods of that app."""
    terms = made.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution
    terms.add(topologyKey="kubernetes.io/hostname").labelSelector.matchLabels["app"] = app
    return made


def test_who_has_to_be_near_a_pod_that_is_only_nominated_waits_until_it_is_there() -> None:
    cluster = Cluster(n1="4", n2="4")
    leader = pod("leader", priority=10)
    leader.metadata.labels["app"] = "db"
    cluster.nominated_pods.add(pod_info(leader), "n1")
    made = cluster.algorithm.schedule(pod_info(near(pod("follower"), "db")), 1)
    assert made.result.node_name == ""
    assert made.result.message == "0/2 nodes are available: 2 node(s) didn't match pod affinity rules."
    assert made.preemption is not None
    assert made.preemption.chosen is None, "nobody has to go for it meanwhile"
    assert cluster.snapshot.node_of("uid-leader") == "n1", "its room is kept as before"
    cluster.nominated_pods.remove("uid-leader")
    cluster.snapshot.add_pod(pod_info(leader), "n1")
    assert cluster.decided(near(pod("follower"), "db")) == "n1"


def test_what_is_kept_for_a_nominated_pod_is_no_room_for_who_has_to_be_near_it() -> None:
    cluster = Cluster(n1="1", n2="4")
    for name, node in (("one", "n1"), ("other", "n2")):
        standing = pod(name, cpu="100m", node=node)
        standing.metadata.labels["app"] = "db"
        cluster.snapshot.add_pod(pod_info(standing), node)
    leader = pod("leader", priority=10)
    leader.metadata.labels["app"] = "db"
    cluster.nominated_pods.add(pod_info(leader), "n1")
    assert cluster.decided(near(pod("follower"), "db")) == "n2"


def test_pods_that_are_only_nominated_do_not_even_out_a_spread() -> None:
    cluster = Cluster(n1="4", n2="4")
    spread = pod("web", priority=0)
    spread.metadata.labels["app"] = "web"
    constraint = spread.spec.topologySpreadConstraints.add(
        maxSkew=1, topologyKey="kubernetes.io/hostname", whenUnsatisfiable="DoNotSchedule"
    )
    constraint.labelSelector.matchLabels["app"] = "web"
    standing, coming = pod("standing", node="n1"), pod("coming", cpu="3500m", priority=10)
    for each in (standing, coming):
        each.metadata.labels["app"] = "web"
    cluster.snapshot.add_pod(pod_info(standing), "n1")
    cluster.nominated_pods.add(pod_info(coming), "n2")
    made = cluster.algorithm.schedule(pod_info(spread), 1)
    reasons = {made.result.names[row]: made.result.reasons(row) for row in made.result.evaluated.tolist()}
    assert reasons["n1"] == ("node(s) didn't match pod topology spread constraints",)
    assert reasons["n2"] == ("Insufficient cpu",)


def test_a_placed_pod_is_judged_as_if_it_had_no_node_and_stands_as_before() -> None:
    cluster = Cluster(n1="1")
    placed = pod("web", node="n1")
    cluster.snapshot.add_pod(pod_info(placed), "n1")
    made = cluster.algorithm.foresee(placed)
    assert (made.result.node_name, made.recomputed) == ("n1", True)
    assert cluster.snapshot.node_of("uid-web") == "n1"
    assert cluster.decided(pod("other")) == ""


def test_a_pod_of_another_scheduler_is_not_judged() -> None:
    with pytest.raises(BadRequest, match='names the scheduler "mine"'):
        Cluster().algorithm.foresee(pod("web", scheduler="mine"))
