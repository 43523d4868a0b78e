"""Events are stored many at once, as if each had been created or updated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest
from podlab_testing.registry import ADMIN, Refusing, WritableRegistry, asked_by, registry_of

from master.apiserver.admission.plugin import Followed
from master.apiserver.registry.batch import Batch, Result
from master.apiserver.rpc import writes
from master.apiserver.watchcache.cache import Cache
from master.store.contract import Delete, Put
from master.store.sqlite.store import SqliteStore
from podlab.api import kinds
from podlab.core.v1 import event_pb2, namespace_pb2
from podlab.errors import BadRequest, Forbidden, Invalid, NotFound
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb


class Counted:
    """A store that counts commits, and lets somebody else be faster when told so."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.commits: list[int] = []
        self.first: list[Put] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, operations: Sequence[Put | Delete]) -> int:
        if self.first:
            await self._store.commit([self.first.pop()])
        self.commits.append(len(operations))
        return await self._store.commit(operations)


@pytest.fixture
def commits(store: SqliteStore, cache: Cache) -> Counted:
    counted = Counted(store)
    cache.store = counted  # type: ignore[assignment]
    return counted


@dataclass(frozen=True)
class Recording:
    """Writes Events as a request that records them says."""

    batch: Batch

    async def record(self, events: Sequence[event_pb2.Event]) -> Sequence[Result]:
        return await self.batch.write(writes.record_events(pb.RecordEventsRequest(events=events), asked_by(ADMIN)))


@pytest.fixture
async def recording(cache: Cache, registry: WritableRegistry) -> Recording:
    for name in ("default", "team"):
        await registry.create(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name=name)))
    return Recording(Batch(cache, registry))


def event(name: str, namespace: str = "default", count: int = 1, **metadata: Any) -> event_pb2.Event:
    made = event_pb2.Event(metadata=meta_pb2.ObjectMeta(name=name, namespace=namespace, **metadata), count=count)
    made.involvedObject.kind, made.involvedObject.name, made.involvedObject.namespace = "Pod", "web", namespace
    made.reason, made.type, made.message = "Failed", "Warning", "no room"
    return made


async def held(registry: WritableRegistry, name: str, namespace: str = "default") -> event_pb2.Event:
    entry = await registry.get(kinds.of(event_pb2.Event), namespace, name)
    return cast(event_pb2.Event, entry.message())


async def test_many_take_one_commit(recording: Recording, registry: WritableRegistry, commits: Counted) -> None:
    results = await recording.record([event(f"e{number}") for number in range(100)])
    assert len(commits.commits) == len(set(results)) == 1
    stored = await held(registry, "e99")
    assert stored.metadata.uid
    assert stored.metadata.creationTimestamp.seconds
    assert str(results[0]) == stored.metadata.resourceVersion


async def test_more_than_a_commit_holds_takes_several(recording: Recording, commits: Counted) -> None:
    results = await recording.record([event(f"e{number}") for number in range(600)])
    assert len(commits.commits) == 3
    assert all(isinstance(result, int) for result in results)


async def test_what_is_there_is_counted_up_and_stays_the_same_object(
    recording: Recording, registry: WritableRegistry
) -> None:
    await recording.record([event("a")])
    before = await held(registry, "a")
    await recording.record([event("a", count=7, resourceVersion="1"), event("b")])
    after = await held(registry, "a")
    assert (after.count, after.metadata.uid) == (7, before.metadata.uid)
    assert after.metadata.creationTimestamp == before.metadata.creationTimestamp
    assert (await held(registry, "b")).count == 1


async def test_of_one_that_is_named_twice_the_last_stays(recording: Recording, registry: WritableRegistry) -> None:
    results = await recording.record([event("a"), event("b"), event("a", count=2), event("c")])
    assert all(isinstance(result, int) for result in results)
    assert (await held(registry, "a")).count == 2


async def test_each_result_stands_alone(recording: Recording, registry: WritableRegistry) -> None:
    await registry.delete("Namespace", "", "team")
    wanted = [event("a"), event("b", "missing"), event("c", "team"), event("Ü"), event(""), event("z")]
    results = await recording.record(wanted)
    assert [type(result) for result in results] == [int, NotFound, Forbidden, Invalid, BadRequest, int]


async def test_who_may_not_write_one_is_told_so(recording: Recording, cache: Cache) -> None:
    refusing = Recording(Batch(cache, registry_of(cache, Refusing("a"))))
    results = await refusing.record([event("a"), event("b")])
    assert [type(result) for result in results] == [Forbidden, int]


class Told(Refusing):
    """Refuses them once it is told to."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self._changed: list[Callable[[], None]] = []
        self._is_told = False

    @property
    def told_by(self) -> tuple[Followed, ...]:
        return (self,)

    @property
    def is_idle(self) -> bool:
        return not self._is_told

    def follow(self, changed: Callable[[], None]) -> None:
        self._changed.append(changed)

    def tell(self, *, anything: bool) -> None:
        self._is_told = anything
        for changed in self._changed:
            changed()


async def test_who_is_told_nothing_is_not_asked(recording: Recording, cache: Cache) -> None:
    plugin = Told("a", "b")
    told = Recording(Batch(cache, registry_of(cache, plugin)))
    found = []
    for anything in (False, True, False):
        plugin.tell(anything=anything)
        found += await told.record([event("a", count=len(found) + 1)])
    assert [type(result) for result in found] == [int, Forbidden, int]


async def test_others_that_were_faster_hold_nobody_up(
    recording: Recording, registry: WritableRegistry, commits: Counted
) -> None:
    await recording.record([event("old")])
    commits.first = [Put("/registry/core/events/default/new", event("new").SerializeToString(), 0)]
    results = await recording.record([event("old", count=2), event("new", count=5), event("third")])
    assert all(isinstance(result, int) for result in results)
    assert [(await held(registry, name)).count for name in ("old", "new", "third")] == [2, 5, 1]
