from __future__ import annotations

from podlab_testing import builtin_kinds

from master.apiserver.watchcache import encoding
from master.apiserver.watchcache.cached_object import CachedObject
from master.apiserver.watchcache.kind_window import KindWindow
from podlab.core.v1 import config_pb2
from podlab.meta.v1 import meta_pb2

KIND = builtin_kinds.named("ConfigMap")


def key(name: str) -> str:
    return f"/registry/core/configmaps/default/{name}"


def value(name: str) -> bytes:
    return config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name=name)).SerializeToString()


def window(**bounds: int) -> KindWindow:
    made = KindWindow(KIND, **bounds)
    made.load({}, 1)
    return made


def names(entries: list[CachedObject]) -> list[str]:
    return [entry.key.rpartition("/")[2] for entry in entries]


def test_objects_come_in_key_order_and_only_those_of_the_prefix() -> None:
    held = window()
    for revision, name in enumerate(("b", "a", "c"), start=2):
        held.apply(key(name), value(name), revision)
    held.apply("/registry/core/configmaps/other/x", value("x"), 5)
    assert names(held.ordered("/registry/core/configmaps/default/")) == ["a", "b", "c"]
    assert names(held.ordered("/registry/core/configmaps/default/", key("a"))) == ["b", "c"]
    held.apply(key("b"), None, 6)
    assert names(held.ordered(held.prefix)) == ["a", "c", "x"]


def test_a_change_is_added_modified_or_deleted() -> None:
    held = window()
    position = held.position_after(1)
    assert position is not None
    held.apply(key("a"), value("a"), 2)
    held.apply(key("a"), value("b"), 3)
    held.apply(key("a"), None, 4)
    events = held.since(position, 10, 1 << 20)
    assert events is not None
    assert [event.type() for event in events] == [encoding.ADDED, encoding.MODIFIED, encoding.DELETED]


def test_who_is_further_behind_than_the_window_is_long_is_too_late() -> None:
    held = window(most_events=10)
    position = held.position_after(1)
    assert position is not None
    for revision in range(2, 100):
        held.apply(key("a"), value("a"), revision)
    assert held.since(position, 10, 1 << 20) is None
    assert held.position_after(50) is None
    assert held.position_after(95) is not None


def test_the_window_is_bounded_in_bytes_too() -> None:
    held = window(most_bytes=10_000)
    for revision in range(2, 100):
        held.apply(key("a"), value("a" * 1000), revision)
    assert held.position_after(80) is None
    assert held.position_after(98) is not None


def test_a_revision_is_never_split() -> None:
    held = window()
    position = held.position_after(1)
    assert position is not None
    for number in range(5):
        held.apply(key(f"a{number}"), value("a"), 2)
    held.apply(key("b"), value("b"), 3)
    for bounds in ((2, 1 << 20), (100, 1)):
        events = held.since(position, *bounds)
        assert events is not None
        assert [event.revision for event in events] == [2] * 5


def test_who_watched_before_a_reload_is_too_late() -> None:
    held = window()
    position = held.position_after(1)
    assert position is not None
    held.load({key("a"): CachedObject(KIND, key("a"), value("a"), 9)}, 9)
    assert held.since(position, 10, 1 << 20) is None
    assert held.position_after(8) is None
    assert names(held.ordered(held.prefix)) == ["a"]


def test_followers_hear_of_reloads_as_of_changes() -> None:
    held = window()
    held.apply(key("old"), value("old"), 2)
    heard: list[tuple[str, bool]] = []
    held.follow(lambda event: heard.append((event.key, event.new is not None)))
    held.load({key("new"): CachedObject(KIND, key("new"), value("new"), 9)}, 9)
    assert heard == [(key("old"), True), (key("old"), False), (key("new"), True)]


def test_a_deletion_shows_the_last_state_at_its_own_revision() -> None:
    held = window()
    held.apply(key("a"), value("a"), 2)
    position = held.position_after(2)
    assert position is not None
    held.apply(key("a"), None, 3)
    (event,) = held.since(position, 10, 1 << 20) or []
    assert b"\x32\x01\x33" in event.frame(encoding.DELETED)
    assert event.new_message() is None
    assert event.old_message() is event.old_message()
