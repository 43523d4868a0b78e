"""The garbage collector in a small world whose news arrive late and in any order: what is owned goes, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from podlab_testing import builtin_kinds

from master.apiserver.admission.write import Deletion, Propagation
from master.apiserver.registry import deletion
from master.controllers.framework.informers import Informers
from master.controllers.garbagecollection.garbagecollector.controller import GarbageCollector
from master.controllers.garbagecollection.garbagecollector.decide import FOREGROUND
from podlab.api.kinds import GroupKind
from podlab.api.objects import Key, key, owner_kind
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.core.v1 import config_pb2, namespace_pb2
from podlab.errors import Conflict, NotFound
from podlab.kinds.strategy import Strategy
from podlab.meta.v1 import meta_pb2
from podlab.v1.apiserver_pb2 import (
    PROPAGATION_POLICY_BACKGROUND,
    PROPAGATION_POLICY_FOREGROUND,
    PROPAGATION_POLICY_ORPHAN,
)

BACKGROUND, WAITING, ORPHANING = (
    PROPAGATION_POLICY_BACKGROUND,
    PROPAGATION_POLICY_FOREGROUND,
    PROPAGATION_POLICY_ORPHAN,
)
PROPAGATIONS = {
    BACKGROUND: Propagation.BACKGROUND,
    WAITING: Propagation.FOREGROUND,
    ORPHANING: Propagation.ORPHAN,
}
STEPS = 2000
KINDS = {
    "map": GroupKind("", "ConfigMap"),
    "secret": GroupKind("", "Secret"),
    "account": GroupKind("", "ServiceAccount"),
    "class": GroupKind("scheduling.k8s.io", "PriorityClass"),
}


class World:
    """Stands for the API server and for the informers, which learn of its changes when told to.

    An object's short form is `map/x` in namespace a, `map/b/x` in another one, or `class/x` in none.
    """

    def __init__(self) -> None:
        self.objects: dict[Key, Any] = {}
        self.revision = 0
        self.news: dict[str, list[tuple[Key, Any]]] = {}
        self.told: list[tuple[str, str]] = []
        self.wronged: list[str] = []
        self.informers = Informers(cast(Client, self))
        self.collector = GarbageCollector(cast(Client, self), self.informers, cast(EventRecorder, self))
        for name in ("a", "b"):
            namespace = namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name=name, uid=f"uid-{name}"))
            self._put(Key(GroupKind("", "Namespace"), "", name), namespace)

    def make(self, word: str, *owners: str, blocks: bool = False) -> None:
        """Owners are short forms too; with `!uid` behind for one that is another by now."""
        at = place(word)
        obj: Any = builtin_kinds.named(at.kind).message()
        obj.metadata.name, obj.metadata.namespace, obj.metadata.uid = at.name, at.namespace, f"uid-{word}"
        for owner in owners:
            named, _, uid = owner.partition("!")
            owner_at = place(named)
            obj.metadata.ownerReferences.add(
                apiVersion=builtin_kinds.named(owner_at.kind).api_version,
                kind=owner_at.kind,
                name=owner_at.name,
                uid=uid or f"uid-{named}",
                blockOwnerDeletion=blocks,
            )
        self._put(at, obj)

    def ask_to_delete(self, word: str, policy: int) -> None:
        at = place(word)
        asked = Deletion(builtin_kinds.named(at.kind), at.namespace, at.name, propagation=PROPAGATIONS[policy])
        marked = deletion.decided(self.objects[at], Strategy(), asked, meta_pb2.Time(seconds=1000))
        self._put(at, None if deletion.is_finished(marked, Strategy()) else marked)

    def words(self) -> set[str]:
        """What there is, in short form."""
        return {obj.metadata.uid.removeprefix("uid-") for at, obj in self.objects.items() if at.kind != "Namespace"}

    async def settle(self, chance: Random | None = None) -> None:
        """Until there is no news and nothing to do; `chance` says what is first, else news are."""
        queue = self.collector._loop.queue
        for _ in range(STEPS):
            fresh = sorted(kind for kind, waiting in self.news.items() if waiting)
            if fresh and (not len(queue) or chance is None or chance.random() < 0.5):
                at, obj = self.news[(chance or Random(0)).choice(fresh)].pop(0)
                self.informers.by_kind[at.group_kind]._set(at, obj)
            elif len(queue):
                at = await queue.get()
                try:
                    await self.collector.reconcile(at)
                except (Conflict, NotFound):
                    queue.add(at)
                queue.done(at)
            else:
                return
        pytest.fail("it does not come to rest")

    async def get(self, kind: type[Any], name: str, namespace: str) -> Any:
        at = Key.of(kind, namespace, name)
        if at not in self.objects:
            raise NotFound.of(at.kind, name)
        return self.objects[at]

    async def update(self, obj: Any) -> Any:
        at = key(obj)
        self._check(at, obj.metadata.uid, obj.metadata.resourceVersion)
        self._put(at, None if deletion.is_finished(obj, Strategy()) else obj)
        return obj

    async def delete(self, kind: type[Any], name: str, namespace: str, **wanted: Any) -> bool:
        at = Key.of(kind, namespace, name)
        self._check(at, wanted["uid"], wanted["resource_version"])
        if any(self._stands_for(at, one) for one in self.objects[at].metadata.ownerReferences):
            self.wronged.append(str(at))
        self.ask_to_delete(self.objects[at].metadata.uid.removeprefix("uid-"), wanted["propagation"])
        return at not in self.objects

    def event(self, obj: Any, event_type: str, reason: str, message: str) -> None:
        self.told.append((str(key(obj)), reason))

    def _stands_for(self, at: Key, reference: meta_pb2.OwnerReference) -> bool:
        """Whether that owner is there and does not wait for its objects to go."""
        namespace = at.namespace if builtin_kinds.named(reference.kind).namespaced else ""
        owner = self.objects.get(Key(owner_kind(reference), namespace, reference.name))
        if owner is None or owner.metadata.uid != reference.uid:
            return False
        return FOREGROUND not in owner.metadata.finalizers

    def _check(self, at: Key, uid: str, revision: str) -> None:
        if at not in self.objects:
            raise NotFound.of(at.kind, at.name)
        there = self.objects[at].metadata
        if (uid, revision) != (there.uid, there.resourceVersion):
            raise Conflict.of(at.kind, at.name)

    def _put(self, at: Key, obj: Any) -> None:
        self.revision += 1
        if obj is None:
            del self.objects[at]
        else:
            stored = type(obj)()
            stored.CopyFrom(obj)
            obj.metadata.resourceVersion = stored.metadata.resourceVersion = str(self.revision)
            self.objects[at] = obj = stored
        self.news.setdefault(at.kind, []).append((at, obj))


def place(word: str) -> Key:
    kind, *namespace, name = word.split("/")
    within = namespace[0] if namespace else "a"
    return Key(KINDS[kind], "" if kind == "class" else within, name)


@dataclass(frozen=True)
class Case:
    """`objects` are an object and its owners each, `+` behind for one that holds its owners; `delete` are policies."""

    name: str
    objects: Sequence[str]
    delete: dict[str, int] = field(default_factory=dict)
    left: str = ""
    told: tuple[str, ...] = ()


CASES = [
    Case("what nobody owns stays", ["map/x"], left="map/x"),
    Case("what has its owner stays", ["map/o", "map/x map/o"], left="map/o map/x"),
    Case("what lost its owner goes", ["map/o", "map/x map/o"], {"map/o": BACKGROUND}),
    Case("one owner is enough to stay", ["map/o", "map/p", "map/x map/o map/p"], {"map/o": BACKGROUND}, "map/p map/x"),
    Case("all owners are gone", ["map/o", "map/p", "map/x map/o map/p"], {"map/o": BACKGROUND, "map/p": BACKGROUND}),
    Case("grandchildren go too", ["map/o", "map/x map/o", "map/y map/x", "map/z map/y"], {"map/o": BACKGROUND}),
    Case("an owner that never was is gone", ["map/x map/o"]),
    Case("an owner of the same name but another uid is another", ["map/o", "map/x map/o!uid-older"], left="map/o"),
    Case("one that waits goes when its objects have", ["map/o", "map/x map/o +"], {"map/o": WAITING}),
    Case("what does not hold its owner goes after it", ["map/o", "map/x map/o"], {"map/o": WAITING}),
    Case("a chain goes from its end", ["map/o", "map/x map/o +", "map/y map/x +"], {"map/o": WAITING}),
    Case(
        "another owner keeps it, and it holds up nobody",
        ["map/o", "map/p", "map/x map/o map/p +"],
        {"map/o": WAITING},
        "map/p map/x",
    ),
    Case("two that wait for one", ["map/o", "map/p", "map/x map/o map/p +"], {"map/o": WAITING, "map/p": WAITING}),
    Case("orphans stay", ["map/o", "map/x map/o", "map/y map/x"], {"map/o": ORPHANING}, "map/x map/y"),
    Case(
        "orphans of one owner have the other",
        ["map/o", "map/p", "map/x map/o map/p"],
        {"map/o": ORPHANING},
        "map/p map/x",
    ),
    Case("orphans below what goes", ["map/o", "map/x map/o", "map/y map/x"], {"map/x": ORPHANING}, "map/o map/y"),
    Case("a circle that nobody breaks", ["map/x map/y +", "map/y map/x +"], left="map/x map/y"),
    Case("a circle of which one goes", ["map/x map/y +", "map/y map/x +"], {"map/x": BACKGROUND}),
    Case("a circle of which one waits", ["map/x map/y +", "map/y map/x +"], {"map/x": WAITING}),
    Case("a circle of which both wait", ["map/x map/y +", "map/y map/x +"], {"map/x": WAITING, "map/y": WAITING}),
    Case(
        "a longer one of which all wait",
        ["map/x map/z +", "map/y map/x +", "map/z map/y +"],
        {"map/x": WAITING, "map/y": WAITING, "map/z": WAITING},
    ),
    Case("a longer one", ["map/x map/z +", "map/y map/x +", "map/z map/y +"], {"map/y": WAITING}),
    Case("what owns itself", ["map/x map/x +"], {"map/x": WAITING}),
    Case(
        "what has no namespace owns anywhere", ["class/o", "map/x class/o", "map/b/y class/o"], {"class/o": BACKGROUND}
    ),
    Case("while they are there", ["class/o", "map/b/y class/o"], left="class/o map/b/y"),
    Case(
        "an owner in another namespace is none",
        ["map/b/o", "map/x map/b/o", "map/b/y map/b/o"],
        left="map/b/o map/b/y",
        told=("ConfigMap/a/x",),
    ),
    Case(
        "what has no namespace cannot be owned by what has one",
        ["map/o", "class/x map/o"],
        {"map/o": BACKGROUND},
        "class/x",
        ("PriorityClass/x",),
    ),
    Case(
        "nor does it hold it up",
        ["map/o", "class/x map/o +"],
        {"map/o": WAITING},
        "class/x",
        ("PriorityClass/x",),
    ),
    Case(
        "what looks for its owner elsewhere does not hold it up",
        ["map/b/o", "map/x map/b/o +", "secret/b/y map/b/o +"],
        {"map/b/o": WAITING},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_is_left(case: Case) -> None:
    world = World()
    for line in case.objects:
        word, *owners = line.removesuffix(" +").split()
        world.make(word, *owners, blocks=line.endswith("+"))
    for word, policy in case.delete.items():
        world.ask_to_delete(word, policy)
    await world.settle()
    assert world.words() == set(case.left.split())
    assert not world.wronged
    assert set(world.told) >= {(at, "OwnerRefInvalidNamespace") for at in case.told}


async def test_an_owner_of_an_unknown_kind_or_version_is_taken_to_be_there() -> None:
    world = World()
    for number, (version, kind) in enumerate([("example.com/v1", "Widget"), ("apps/v1beta1", "Deployment")]):
        made = config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name=f"x{number}", namespace="a", uid=f"uid-{number}"))
        made.metadata.ownerReferences.add(apiVersion=version, kind=kind, name="o", uid="nobody")
        world._put(key(made), made)
    await world.settle()
    assert world.words() == {"0", "1"}


async def test_an_owner_may_be_named_by_another_version_that_is_served() -> None:
    world = World()
    made = config_pb2.ConfigMap(metadata=meta_pb2.ObjectMeta(name="x", namespace="a", uid="uid-map/x"))
    made.metadata.ownerReferences.add(
        apiVersion="autoscaling/v1", kind="HorizontalPodAutoscaler", name="gone", uid="uid-gone"
    )
    world._put(key(made), made)
    await world.settle()
    assert not world.words()


Graph = list[tuple[str, set[int], bool]]


def graphs(*, circles: bool) -> st.SearchStrategy[Graph]:
    """Objects with the numbers of their owners, and whether they hold those."""
    kind = st.sampled_from(sorted(KINDS.keys() - {"class"}))
    numbers = st.integers(0, 6) if circles else st.integers(0, 5)
    one = st.tuples(kind, st.sets(numbers, max_size=3), st.booleans())
    return st.lists(one, min_size=2, max_size=7)


def built(graph: Graph, *, circles: bool) -> tuple[World, list[str], dict[str, set[str]]]:
    world = World()
    words = [f"{kind}/{number}" for number, (kind, _, _) in enumerate(graph)]
    owners: dict[str, set[str]] = {}
    for number, (_, chosen, blocks) in enumerate(graph):
        reach = len(words) if circles else number
        owners[words[number]] = {words[one] for one in chosen if one < reach}
        world.make(words[number], *sorted(owners[words[number]]), blocks=blocks)
    return world, words, owners


def kept(words: Sequence[str], owners: dict[str, set[str]], deleted: set[str]) -> set[str]:
    """What is neither deleted nor owned only by what goes."""
    gone = set(deleted)
    while more := {word for word in words if word not in gone and owners[word] and owners[word] <= gone}:
        gone |= more
    return set(words) - gone


policies = st.sampled_from([BACKGROUND, WAITING])


@settings(max_examples=60)
@given(
    graph=graphs(circles=False),
    doomed=st.dictionaries(st.integers(0, 6), policies, max_size=3),
    seed=st.integers(0, 999),
)
def test_what_is_owned_goes_with_its_last_owner_and_nothing_else_does(
    graph: Graph, doomed: dict[int, int], seed: int
) -> None:
    async def play() -> None:
        world, words, owners = built(graph, circles=False)
        deleted = {words[number]: policy for number, policy in doomed.items() if number < len(words)}
        for word, policy in deleted.items():
            world.ask_to_delete(word, policy)
        await world.settle(Random(seed))
        assert not world.wronged, "had a living owner"
        assert world.words() == kept(words, owners, set(deleted))
        for obj in world.objects.values():
            assert all(one.uid.removeprefix("uid-") in world.words() for one in obj.metadata.ownerReferences)

    asyncio.run(play())


@settings(max_examples=60)
@given(
    graph=graphs(circles=True),
    doomed=st.dictionaries(st.integers(0, 6), policies, min_size=1, max_size=4),
    seed=st.integers(0, 999),
)
def test_circles_hold_up_nobody(graph: Graph, doomed: dict[int, int], seed: int) -> None:
    async def play() -> None:
        world, words, _ = built(graph, circles=True)
        await world.settle()
        deleted = {words[number % len(words)]: policy for number, policy in doomed.items()}
        for word in deleted.keys() & world.words():
            world.ask_to_delete(word, deleted[word])
        await world.settle(Random(seed))
        assert not deleted.keys() & world.words()
        assert not world.wronged
        assert not any(obj.metadata.HasField("deletionTimestamp") for obj in world.objects.values())

    asyncio.run(play())


@settings(max_examples=40)
@given(graph=graphs(circles=False), doomed=st.integers(0, 6), seed=st.integers(0, 999))
def test_what_is_orphaned_stays(graph: Graph, doomed: int, seed: int) -> None:
    async def play() -> None:
        world, words, _ = built(graph, circles=False)
        await world.settle()
        word = words[doomed % len(words)]
        world.ask_to_delete(word, ORPHANING)
        await world.settle(Random(seed))
        assert world.words() == set(words) - {word}

    asyncio.run(play())
