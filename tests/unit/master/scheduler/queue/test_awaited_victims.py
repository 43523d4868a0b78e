"""What a nominated pod waits for."""

from __future__ import annotations

import pytest

from master.scheduler.cache.pod_info import pod_info
from master.scheduler.queue.awaited_victims import AwaitedVictims, vacated_node
from master.scheduler.queue.cluster_events import ClusterEvent, EventKind
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod


def gone(uid: str, node: str = "n1") -> ClusterEvent:
    pod = Pod()
    pod.metadata.uid, pod.spec.nodeName = uid, node
    return ClusterEvent(EventKind.ASSIGNED_POD_DELETE, pod=pod_info(pod))


def node_event(kind: EventKind) -> ClusterEvent:
    node = Node()
    node.metadata.name = "n1"
    return ClusterEvent(kind, node=node)


@pytest.mark.parametrize(
    ("victims", "events", "fits"),
    [
        (["a"], [gone("a")], True),
        (["a", "b"], [gone("a")], False),
        (["a", "b"], [gone("b"), gone("a")], True),
        (["a", "b"], [gone("a"), gone("a")], True),  # the second is not awaited any more
        (["a", "b"], [gone("somebody")], True),
        (["a", "b"], [node_event(EventKind.NODE_DELETE)], True),
        ([], [gone("somebody")], True),
    ],
)
def test_a_nominated_pod_is_tried_after_its_last_victim_and_after_any_other_pod(
    victims: list[str], events: list[ClusterEvent], fits: bool
) -> None:
    awaited = AwaitedVictims("n1", victims)
    assert [awaited.may_fit_after(event) for event in events][-1] == fits


@pytest.mark.parametrize(
    ("event", "node"),
    [
        (gone("a"), "n1"),
        (gone("nominated only", ""), ""),
        (node_event(EventKind.NODE_DELETE), "n1"),
        (node_event(EventKind.NODE_ADD), ""),
        (ClusterEvent(EventKind.STORAGE), ""),
    ],
)
def test_what_leaves_a_node_names_it(event: ClusterEvent, node: str) -> None:
    assert vacated_node(event) == node
