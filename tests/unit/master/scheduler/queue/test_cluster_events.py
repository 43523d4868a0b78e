"""What a change of a node amounts to."""

from collections.abc import Callable

import pytest

from master.scheduler.queue.cluster_events import EventKind, node_events
from podlab.core.v1.node_pb2 import Node, Taint


def node(change: Callable[[Node], object] = lambda _: None) -> Node:
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
        (lambda made: made.metadata.labels.update(zone="b"), [EventKind.NODE_LABELS]),
        (tainted, [EventKind.NODE_TAINTS]),
        (lambda made: setattr(made.spec, "unschedulable", True), [EventKind.NODE_TAINTS]),
        (lambda made: setattr(made.status.allocatable["cpu"], "string", "4"), [EventKind.NODE_ALLOCATABLE]),
    ],
)
def test_a_heartbeat_is_no_event(change: Callable[[Node], object], events: list[EventKind]) -> None:
    assert [event.kind for event in node_events(node(), node(change))] == events


def test_a_new_node_is_one_event() -> None:
    assert [event.kind for event in node_events(None, node())] == [EventKind.NODE_ADD]
