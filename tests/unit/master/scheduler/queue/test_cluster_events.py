"""Which events can help whom."""

from collections.abc import Callable
from typing import Any

import pytest

from master.scheduler.queue.cluster_events import HELPED_BY, Event, What, node_events, plugins_helped
from podlab.core.v1.node_pb2 import Node, Taint


def node(change: Callable[[Node], Any] = lambda _: None) -> Node:
    made = Node()
    made.metadata.labels["zone"] = "a"
    made.status.allocatable["cpu"].string = "2"
    change(made)
    return made


def tainted(made: Node) -> None:
    made.spec.taints.append(Taint(key="dedicated", value="db", effect="NoSchedule"))


@pytest.mark.parametrize(
    ("change", "events"),
    [
        (lambda made: made.status.conditions.add(type="Ready", status="True"), []),
        (lambda made: made.metadata.annotations.update(a="b"), []),
        (lambda made: made.metadata.labels.update(zone="b"), [What.NODE_LABELS]),
        (tainted, [What.NODE_TAINTS]),
        (lambda made: setattr(made.spec, "unschedulable", True), [What.NODE_TAINTS]),
        (lambda made: setattr(made.status.allocatable["cpu"], "string", "4"), [What.NODE_ALLOCATABLE]),
    ],
)
def test_a_heartbeat_is_no_event(change: Callable[[Node], Any], events: list[What]) -> None:
    assert [event.what for event in node_events(node(), node(change))] == events


def test_a_new_node_is_one_event() -> None:
    assert [event.what for event in node_events(None, node())] == [What.NODE_ADDED]


@pytest.mark.parametrize(
    ("what", "helped"),
    [
        (What.POD_GONE, {"NodeResourcesFit", "NodePorts", "PodTopologySpread", "InterPodAffinity"}),
        (What.POD_PLACED, {"PodTopologySpread", "InterPodAffinity"}),
        (What.NODE_LABELS, {"NodeAffinity", "VolumeBinding", "VolumeZone", "PodTopologySpread", "InterPodAffinity"}),
        (What.NODE_TAINTS, {"TaintToleration", "NodeUnschedulable", "PodTopologySpread"}),
        (What.NODE_REMOVED, {"PodTopologySpread"}),
        (What.NAMESPACES, {"InterPodAffinity"}),
    ],
)
def test_each_plugin_names_the_events_that_can_undo_its_refusal(what: What, helped: set[str]) -> None:
    assert set(plugins_helped(Event(what), HELPED_BY)) - {"VolumeRestrictions"} == helped


def test_a_new_node_helps_whoever_was_refused() -> None:
    assert set(plugins_helped(Event(What.NODE_ADDED), HELPED_BY)) == set(HELPED_BY)


@pytest.mark.parametrize("what", What)
def test_a_plugin_of_ones_own_may_be_helped_by_anything(what: What) -> None:
    assert plugins_helped(Event(what), ["Mine"]) == ["Mine"]
