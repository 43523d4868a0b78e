"""When room that is made for a pod may be there."""

from __future__ import annotations

import pytest

from master.scheduler.cache.pod_info import pod_info
from master.scheduler.queue.awaited_victims import Room, left
from master.scheduler.queue.cluster_events import Event, What
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod


def gone(uid: str, node: str = "n1") -> Event:
    pod = Pod()
    pod.metadata.uid, pod.spec.nodeName = uid, node
    return Event(What.POD_GONE, pod=pod_info(pod))


def node_event(what: What) -> Event:
    node = Node()
    node.metadata.name = "n1"
    return Event(what, node=node)


@pytest.mark.parametrize(
    ("victims", "events", "there"),
    [
        (["a"], [gone("a")], True),
        (["a", "b"], [gone("a")], False),
        (["a", "b"], [gone("b"), gone("a")], True),
        (["a", "b"], [gone("a"), gone("a")], True),  # the second is one that nobody waits for
        (["a", "b"], [gone("somebody")], True),
        (["a", "b"], [node_event(What.NODE_REMOVED)], True),
        ([], [gone("somebody")], True),
    ],
)
def test_the_last_victim_makes_room_and_somebody_else_may(victims: list[str], events: list[Event], there: bool) -> None:
    room = Room("n1", victims)
    assert [room.may_be_there(event) for event in events][-1] == there


@pytest.mark.parametrize(
    ("event", "node"),
    [
        (gone("a"), "n1"),
        (gone("nominated only", ""), ""),
        (node_event(What.NODE_REMOVED), "n1"),
        (node_event(What.NODE_ADDED), ""),
        (Event(What.VOLUMES), ""),
    ],
)
def test_what_leaves_a_node_names_it(event: Event, node: str) -> None:
    assert left(event) == node
