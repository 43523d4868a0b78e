"""The queue, with a clock that a test sets."""

from collections.abc import Iterable

import pytest

from master.scheduler.cache.pod_info import PodInfo, pod_info
from master.scheduler.queue import unschedulable_pods
from master.scheduler.queue.awaited_victims import AwaitedVictims
from master.scheduler.queue.cluster_events import ClusterEvent, EventKind
from master.scheduler.queue.scheduling_queue import SchedulingQueue
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key
from podlab.core.v1.pod_pb2 import Pod

FIT = frozenset({"NodeResourcesFit"})
GONE, ADDED = ClusterEvent(EventKind.ASSIGNED_POD_DELETE), ClusterEvent(EventKind.NODE_ADD)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> SchedulingQueue:
    return SchedulingQueue(clock)


def at(name: str) -> Key:
    return Key(GroupKind("", "Pod"), "default", name)


def info() -> PodInfo:
    return pod_info(Pod())


def taken(queue: SchedulingQueue, limit: int = 1000) -> list[str]:
    return [key.name for key in queue.pop(limit)]


def refuse(queue: SchedulingQueue, names: Iterable[str], shape: str = "web", plugins: frozenset[str] = FIT) -> None:
    for name in names:
        queue.add_unschedulable(at(name), info(), shape, plugins)


def test_the_highest_priority_comes_first_and_then_the_longest_wait(queue: SchedulingQueue) -> None:
    for name, priority in (("a", 0), ("b", 10), ("c", 0)):
        queue.add(at(name), priority)
    assert taken(queue, 2) == ["b", "a"]
    assert taken(queue) == ["c"]


def test_a_pod_that_is_gone_is_not_judged(queue: SchedulingQueue) -> None:
    queue.add(at("a"), 0)
    queue.remove(at("a"))
    assert taken(queue) == []


def test_a_pod_that_is_being_judged_is_not_given_out_twice(queue: SchedulingQueue) -> None:
    queue.add(at("a"), 0)
    assert taken(queue) == ["a"]
    queue.handle_event(GONE)
    assert taken(queue) == []


def test_a_hopeless_pod_waits_for_an_event_and_its_back_off(queue: SchedulingQueue, clock: Clock) -> None:
    queue.add(at("a"), 0)
    refuse(queue, taken(queue))
    clock.now += 100
    assert taken(queue) == []
    queue.handle_event(GONE)
    assert taken(queue) == ["a"]
    refuse(queue, ["a"])
    queue.handle_event(GONE)
    clock.now += 1.9
    assert taken(queue) == []
    clock.now += 0.2
    assert taken(queue) == ["a"]
    assert queue.attempts(at("a")) == 2


def test_the_back_off_doubles_up_to_ten_seconds(queue: SchedulingQueue, clock: Clock) -> None:
    queue.add(at("a"), 0)
    waited = []
    for _ in range(6):
        assert taken(queue) == ["a"]
        queue.requeue_after_backoff(at("a"))
        began = clock.now
        while not (woken := taken(queue)):
            clock.now += 0.5
        waited.append(clock.now - began)
        queue.add(at(woken[0]), 0)
    assert waited == [1, 2, 4, 8, 10, 10]


def test_an_event_wakes_only_those_whom_it_can_help(queue: SchedulingQueue, clock: Clock) -> None:
    refusals = {"fit": FIT, "affine": frozenset({"NodeAffinity"}), "own": frozenset({"Mine"}), "any": frozenset()}
    for name, plugins in refusals.items():
        queue.add(at(name), 0)
        refuse(queue, taken(queue), name, plugins)
    clock.now += 100
    queue.handle_event(ClusterEvent(EventKind.NODE_LABELS))
    assert sorted(taken(queue)) == ["affine", "any", "own"]
    queue.handle_event(GONE)
    assert taken(queue) == ["fit"]


def test_of_one_shape_one_goes_ahead_and_the_others_follow_its_success(queue: SchedulingQueue, clock: Clock) -> None:
    for number in range(1000):
        queue.add(at(f"web-{number}"), 0)
    refuse(queue, taken(queue))
    clock.now += 100
    queue.handle_event(ADDED)
    rounds, room = [], 20
    while woken := taken(queue):
        rounds.append(len(woken))
        for name in woken[:room]:
            queue.pod_scheduled(at(name))
            queue.remove(at(name))
        refuse(queue, woken[room:])
        room = max(0, room - len(woken))
    assert rounds == [1, 2, 4, 8, 16, 10]
    queue.handle_event(ADDED)
    assert len(taken(queue)) == 1


def test_pods_of_one_shape_take_turns(queue: SchedulingQueue, clock: Clock) -> None:
    names = ["a", "b", "c"]
    for name in names:
        queue.add(at(name), 0)
    refuse(queue, taken(queue))
    tried = []
    for _ in range(6):
        clock.now += 11
        queue.handle_event(GONE)
        tried += taken(queue)
        refuse(queue, tried[-1:])
    assert tried == [*names, *names]


def test_when_the_one_that_went_ahead_is_gone_another_goes(queue: SchedulingQueue, clock: Clock) -> None:
    for name in ("a", "b"):
        queue.add(at(name), 0)
    refuse(queue, taken(queue))
    clock.now += 100
    queue.handle_event(GONE)
    queue.remove(at("a"))
    assert taken(queue) == ["b"]


def test_however_quiet_it_is_one_of_each_shape_is_judged_again(queue: SchedulingQueue, clock: Clock) -> None:
    for name in ("a", "b", "c"):
        queue.add(at(name), 0)
    refuse(queue, taken(queue), "web")
    refuse(queue, ["c"], "db")
    clock.now += unschedulable_pods.UNSCHEDULABLE_LIMIT_S - 1
    assert taken(queue) == []
    clock.now += 2
    assert sorted(taken(queue)) == ["a", "c"]


def test_a_pod_that_asks_for_something_else_is_judged_at_once(queue: SchedulingQueue) -> None:
    queue.add(at("a"), 0)
    refuse(queue, taken(queue))
    queue.add(at("a"), 5)
    assert taken(queue) == ["a"]


def gone_from(node: str, uid: str = "") -> ClusterEvent:
    pod = Pod()
    pod.spec.nodeName, pod.metadata.uid = node, uid
    return ClusterEvent(EventKind.ASSIGNED_POD_DELETE, pod=pod_info(pod))


def test_a_nominated_pod_waits_for_its_own_node_and_not_for_a_back_off(queue: SchedulingQueue) -> None:
    for name in ("nominated", "other"):
        queue.add(at(name), 0)
    taken(queue)
    refuse(queue, ["other"])
    queue.add_unschedulable(at("nominated"), info(), "web", FIT, awaited=AwaitedVictims("n1", ["a", "b"]))
    queue.handle_event(gone_from("n2", "a"))
    assert taken(queue) == [], "the other has its back-off"
    for uid in ("a", "b"):
        assert taken(queue) == [], "not all have gone"
        queue.handle_event(gone_from("n1", uid))
    assert taken(queue) == ["nominated"]


def test_a_nominated_pod_is_also_woken_by_what_wakes_others(queue: SchedulingQueue) -> None:
    queue.add(at("nominated"), 0)
    for event in (ADDED, GONE):
        queue.add_unschedulable(
            *(at(name) for name in taken(queue)), info(), "web", FIT, awaited=AwaitedVictims("n1", ["a"])
        )
        queue.handle_event(event)
    assert taken(queue) == ["nominated"]


def test_ten_thousand_hopeless_pods_make_no_event_dearer(queue: SchedulingQueue, clock: Clock) -> None:
    for number in range(10_000):
        queue.add(at(f"web-{number}"), 0)
    refuse(queue, taken(queue, 10_000))
    clock.now += 100
    for _ in range(10_000):
        queue.handle_event(GONE)
    assert len(taken(queue)) == 1
