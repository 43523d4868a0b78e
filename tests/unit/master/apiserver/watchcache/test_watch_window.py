"""The parts of a window: what is seen there is what one would pick out of the whole."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from podlab_testing import builtin_kinds
from podlab_testing.waiting import WITHIN_S

from master.apiserver.watchcache.cached_object import CachedObject
from master.apiserver.watchcache.kind_window import KindWindow
from master.apiserver.watchcache.watch_window import WakePacing, WatchWindow
from podlab.core.v1 import pod_pb2

KIND = builtin_kinds.named("Pod")
NODES = ("", "n1", "n2")

changes = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([*NODES, None])),  # None: the pod goes
    max_size=60,
)


def key(name: str) -> str:
    return f"/registry/core/pods/default/{name}"


def value(name: str, node: str) -> bytes:
    pod = pod_pb2.Pod()
    pod.metadata.name, pod.spec.nodeName = name, node
    return pod.SerializeToString()


def seen(section: WatchWindow, position: int) -> list[tuple[int, str]]:
    events = section.since(position, 1000, 1 << 30)
    assert events is not None
    return [(event.revision, event.key) for event in events]


@given(changes)
def test_a_part_holds_the_objects_and_changes_of_its_value(made: list[tuple[str, str | None]]) -> None:
    window = KindWindow(KIND, kept_apart_by="spec.nodeName")
    window.load({}, 1)
    parts = {node: window.part(node) for node in NODES[1:]}
    positions = {node: part.position_after(1) for node, part in parts.items()}
    held: dict[str, str] = {}
    expected: dict[str, list[tuple[int, str]]] = {node: [] for node in parts}
    for revision, (name, node) in enumerate(made, start=2):
        before = held.pop(name, "")
        if node is not None:
            held[name] = node
        elif key(name) not in window.entries:
            continue
        window.apply(key(name), value(name, node) if node is not None else None, revision)
        for touched in {before, node} & parts.keys():
            expected[str(touched)].append((revision, key(name)))
    for node, part in parts.items():
        assert [entry.key for entry in part.ordered(window.prefix)] == sorted(
            key(name) for name, on in held.items() if on == node
        )
        position = positions[node]
        assert position is not None
        assert seen(part, position) == expected[node]


@given(changes, st.integers(1, 60))
def test_who_watches_a_part_misses_nothing_or_is_told_to_start_anew(
    made: list[tuple[str, str | None]], start: int
) -> None:
    window = KindWindow(KIND, kept_apart_by="spec.nodeName", most_events=8)
    window.load({}, 1)
    all_changes: list[tuple[int, str]] = []
    holder: dict[str, str | None] = {}
    for revision, (name, node) in enumerate(made, start=2):
        if node is None and key(name) not in window.entries:
            continue
        before, holder[name] = holder.get(name), node
        window.apply(key(name), value(name, node) if node is not None else None, revision)
        if "n1" in (before, node):
            all_changes.append((revision, key(name)))
    position = window.part("n1").position_after(start)
    if position is None:
        assert window.position_after(start) is None
    else:
        assert seen(window.part("n1"), position) == [change for change in all_changes if change[0] > start]


def test_a_quiet_part_is_not_too_late_when_others_are_busy() -> None:
    window = KindWindow(KIND, kept_apart_by="spec.nodeName", most_events=8)
    window.load({}, 1)
    quiet = window.part("n1")
    position = quiet.position_after(1)
    for revision in range(2, 100):
        window.apply(key("a"), value("a", "n2"), revision)
    assert position is not None
    assert quiet.since(position, 10, 1 << 20) == []
    assert window.part("n2").since(0, 10, 1 << 20) is None


async def test_only_watchers_of_a_part_that_changed_are_woken() -> None:
    window = KindWindow(KIND, kept_apart_by="spec.nodeName")
    window.load({}, 1)
    quiet, busy = (asyncio.create_task(window.part(node).wait_for_news()) for node in ("n1", "n2"))
    await asyncio.sleep(0)
    window.apply(key("a"), value("a", "n2"), 2)
    window.wake()
    await asyncio.wait_for(busy, WITHIN_S)
    assert not quiet.done()
    window.wake_all()
    await asyncio.wait_for(quiet, WITHIN_S)


def test_a_reload_divides_anew() -> None:
    window = KindWindow(KIND, kept_apart_by="spec.nodeName")
    window.load({}, 1)
    window.apply(key("a"), value("a", "n1"), 2)
    position = window.part("n1").position_after(2)
    window.load({key("a"): CachedObject(KIND, key("a"), value("a", "n2"), 9)}, 9)
    assert position is not None
    assert window.part("n1").since(position, 10, 1 << 20) is None
    assert not window.part("n1").entries
    assert list(window.part("n2").entries) == [key("a")]


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


async def test_changes_that_come_fast_wake_watchers_once() -> None:
    clock = Clock()
    window = KindWindow(
        KIND, kept_apart_by="spec.nodeName", pacing=WakePacing(watcher_s=0.01, longest_gathering_s=0.01, clock=clock)
    )
    window.load({}, 1)
    clock.now_s += 1.0
    position = window.position_after(1)
    assert position is not None
    with window.watched():
        for revision in range(2, 22):
            window.apply(key("a"), value("a", "n1"), revision)
            window.wake()
        assert window.has_news(position)
        assert not window.has_news(position + 1), "one was told at once, and the others are gathered"
        await asyncio.wait_for(window.wait_for_news(), WITHIN_S)
        assert window.has_news(position + 19)
        assert not window.has_news(position + 20)


async def test_a_lone_change_is_told_at_once() -> None:
    clock = Clock()
    window = KindWindow(
        KIND, kept_apart_by="spec.nodeName", pacing=WakePacing(watcher_s=3600.0, longest_gathering_s=0.2, clock=clock)
    )
    window.load({}, 1)
    position = window.position_after(1)
    assert position is not None
    with window.watched():
        for number in range(2):
            clock.now_s += 0.25  # longer than changes are gathered
            window.apply(key(f"n{number}"), value(f"n{number}", "n1"), 2 + number)
            window.wake()
            assert window.has_news(position + number)
