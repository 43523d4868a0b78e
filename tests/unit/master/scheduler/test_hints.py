"""Which events can help whom."""

from collections.abc import Callable
from typing import Any

import pytest

from master.scheduler.hints import HELPED_BY, Event, What, may_help, node_events, plugins_helped
from master.scheduler.podinfo import PodInfo, pod_info
from podlab.core.v1.node_pb2 import Node, Taint
from podlab.core.v1.pod_pb2 import Pod


def node(change: Callable[[Node], Any] = lambda _: None) -> Node:
    made = Node()
    made.metadata.labels["zone"] = "a"
    made.status.allocatable["cpu"].string = "2"
    change(made)
    return made


def tainted(made: Node) -> None:
    made.spec.taints.append(Taint(key="dedicated", value="db", effect="NoSchedule"))


def with_port(port: int) -> PodInfo:
    made = Pod()
    made.spec.containers.add(name="c").ports.add(containerPort=80, hostPort=port, protocol="TCP")
    return pod_info(made)


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
    assert may_help("Mine", with_port(1), Event(what))


def test_a_taint_that_is_not_tolerated_helps_nobody() -> None:
    tolerant = Pod()
    tolerant.spec.tolerations.add(key="dedicated", operator="Exists")
    event = Event(What.NODE_ADDED, node=node(tainted))
    assert may_help("TaintToleration", pod_info(tolerant), event)
    assert not may_help("TaintToleration", pod_info(Pod()), event)
    assert may_help("TaintToleration", pod_info(Pod()), Event(What.NODE_ADDED, node=node()))


def test_a_node_that_is_still_cordoned_helps_nobody() -> None:
    cordoned = node(lambda made: setattr(made.spec, "unschedulable", True))
    assert not may_help("NodeUnschedulable", pod_info(Pod()), Event(What.NODE_ADDED, node=cordoned))


def test_only_a_pod_that_had_the_port_frees_it() -> None:
    assert may_help("NodePorts", with_port(80), Event(What.POD_GONE, pod=with_port(80)))
    assert not may_help("NodePorts", with_port(80), Event(What.POD_GONE, pod=with_port(81)))
