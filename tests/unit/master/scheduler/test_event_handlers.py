"""What informers tell, taken in: which pods wait, what counts where, and what is an event."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from podlab_testing.scheduling import node, pod

from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.event_handlers import EventHandlers
from master.scheduler.preemption.nominated_pods import NominatedPods
from master.scheduler.queue.claim_gate import ClaimGate
from master.scheduler.queue.cluster_events import ClusterEvent, EventKind
from master.scheduler.queue.scheduling_queue import SchedulingQueue
from podlab.api.objects import key
from podlab.client.informer import Change
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod

OURS = "default-scheduler"


class Queue(SchedulingQueue):
    """Which tells what happened."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.events: list[ClusterEvent] = []

    def handle_event(self, event: ClusterEvent) -> None:
        self.events.append(event)
        super().handle_event(event)


class World:
    """Event handlers that knows the node n1."""

    def __init__(self) -> None:
        self.snapshot, self.queue = Snapshot(), Queue()
        self.nominated_pods = NominatedPods(self.snapshot)
        self.handlers = EventHandlers(
            {OURS}, self.snapshot, self.queue, self.nominated_pods, ClaimGate({OURS}, self.snapshot.devices.claims_of)
        )
        self.node(None, node("n1"))
        self.queue.events.clear()

    def node(self, old: Node | None, new: Node | None) -> None:
        known = new or old
        assert known is not None
        self.handlers.node_changed(Change(key(known), old, new))

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        known = new or old
        assert known is not None
        self.handlers.pod_changed(Change(key(known), old, new))

    @property
    def active(self) -> list[str]:
        return [at.name for at in self.queue.pop(100)]

    @property
    def on_node(self) -> list[str]:
        return [each.uid for each in self.snapshot.pods_on("n1")]

    @property
    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.queue.events]


def made(name: str = "web", change: Callable[[Pod], object] = lambda _: None, **given: object) -> Pod:
    found = pod({"schedulerName": OURS, **given}, name)
    change(found)
    return found


def deleted(found: Pod) -> None:
    found.metadata.deletionTimestamp.seconds = 1


def ended(found: Pod) -> None:
    found.status.phase = "Succeeded"


@pytest.mark.parametrize(
    ("found", "waits"),
    [
        (made(), True),
        (made(schedulerName="another"), False),
        (made(nodeName="n1"), False),
        (made(schedulingGates=[{"name": "later"}]), False),
        (made(change=deleted), False),
        (made(change=ended), False),
    ],
)
def test_a_pod_waits_that_is_ours_and_to_be_placed_now(found: Pod, waits: bool) -> None:
    world = World()
    world.pod(None, found)
    assert world.active == (["web"] if waits else [])


def test_a_pod_whose_last_gate_goes_waits() -> None:
    world = World()
    gated = made(schedulingGates=[{"name": "later"}])
    world.pod(None, gated)
    world.pod(gated, made())
    assert world.active == ["web"]


def test_a_status_alone_does_not_bring_a_pod_back() -> None:
    world = World()
    world.pod(None, made())
    assert world.active == ["web"]
    world.pod(made(), made(change=lambda found: found.status.conditions.add(type="PodScheduled", status="False")))
    assert world.active == []
    world.pod(made(), made(nodeSelector={"disk": "ssd"}))
    assert world.active == ["web"]


def test_a_pod_that_gets_its_node_counts_there_and_waits_no_more() -> None:
    world = World()
    world.pod(None, made())
    world.pod(made(), made(nodeName="n1"))
    assert (world.active, world.on_node, world.kinds) == ([], ["web"], [EventKind.ASSIGNED_POD_ADD])


@pytest.mark.parametrize("last", [None, made(nodeName="n1", change=ended)])
def test_a_pod_that_ended_or_is_gone_leaves_its_room(last: Pod | None) -> None:
    world = World()
    stood = made(nodeName="n1", cpu="3")
    world.pod(None, stood)
    world.pod(stood, last)
    assert (world.on_node, world.kinds) == ([], [EventKind.ASSIGNED_POD_ADD, EventKind.ASSIGNED_POD_DELETE])
    (gone,) = world.queue.events[1:]
    assert gone.available is not None
    assert gone.available["cpu"] == 4000


def test_the_room_that_is_left_is_that_beside_the_others() -> None:
    world = World()
    stays, goes = made("stays", nodeName="n1", cpu="3", priority=7), made("goes", nodeName="n1", cpu="500m")
    for each in (stays, goes):
        world.pod(None, each)
    world.pod(goes, None)
    gone = world.queue.events[-1]
    assert gone.available is not None
    assert (gone.available["cpu"], gone.lowest_priority) == (1000, 7)


def test_nothing_is_said_of_room_while_some_is_kept() -> None:
    world = World()
    kept = made("kept", change=lambda found: setattr(found.status, "nominatedNodeName", "n1"))
    world.pod(None, kept)
    stood = made(nodeName="n1")
    world.pod(None, stood)
    world.pod(stood, None)
    assert world.queue.events[-1].available is None
    world.pod(kept, None)
    assert not world.nominated_pods.any
    assert world.kinds[-1] is EventKind.ASSIGNED_POD_DELETE


def test_a_pod_that_came_back_under_its_name_unseen_is_another() -> None:
    world = World()
    first = made(nodeName="n1", uid="1")
    world.pod(None, first)
    world.pod(first, made(uid="2"))
    assert (world.active, world.on_node) == (["web"], [])


@pytest.mark.parametrize(
    ("change", "events"),
    [
        (lambda found: found.status.conditions.add(type="Ready", status="True"), []),
        (lambda found: found.metadata.annotations.update(a="b"), []),
        (lambda found: found.metadata.labels.update(app="db"), [EventKind.ASSIGNED_POD_UPDATE]),
        (deleted, [EventKind.ASSIGNED_POD_UPDATE]),
    ],
)
def test_what_a_kubelet_writes_about_a_pod_is_no_event(
    change: Callable[[Pod], object], events: list[EventKind]
) -> None:
    world = World()
    stood = made(nodeName="n1")
    world.pod(None, stood)
    world.queue.events.clear()
    world.pod(stood, made(nodeName="n1", change=change))
    assert world.kinds == events
    assert world.on_node == ["web"]


def test_nodes_come_change_and_go() -> None:
    world = World()
    world.node(None, node("n2 cpu=2"))
    world.node(node("n2 cpu=2"), node("n2 cpu=2"))
    world.node(node("n2 cpu=2"), node("n2 cpu=8 zone=x"))
    world.node(node("n2"), None)
    assert world.kinds == [
        EventKind.NODE_ADD,
        EventKind.NODE_ALLOCATABLE,
        EventKind.NODE_LABELS,
        EventKind.NODE_DELETE,
    ]
    assert [event.available and event.available["cpu"] for event in world.queue.events] == [2000, 8000, 8000, None]
    assert world.snapshot.count == 1


def _running_with(millis: str) -> Callable[[Pod], object]:
    def change(found: Pod) -> None:
        status = found.status.containerStatuses.add(name="c")
        status.allocatedResources["cpu"].string = status.resources.requests["cpu"].string = millis

    return change


def test_a_pod_counts_as_more_while_it_is_resized_and_less_once_it_has_given_back() -> None:
    world = World()
    steps = [
        made(nodeName="n1", cpu="300m", change=_running_with("300m")),
        made(nodeName="n1", cpu="100m", change=_running_with("300m")),  # it has not given anything back yet
        made(nodeName="n1", cpu="100m", change=_running_with("100m")),
        made(nodeName="n1", cpu="500m", change=_running_with("100m")),
    ]
    for generation, step in enumerate(steps):
        step.metadata.generation = generation
    told = []
    for old, new in zip([None, *steps], steps, strict=False):
        world.pod(old, new)
        told.append(world.snapshot.resources.amount("cpu", 0)[0])
    assert told == [300, 300, 100, 500]
    assert world.kinds == [EventKind.ASSIGNED_POD_ADD, *[EventKind.ASSIGNED_POD_UPDATE] * 2]
