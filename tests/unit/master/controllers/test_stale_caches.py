"""Controllers whose informers show changes late, in any order of kinds, and who lose answers: never a pod too many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from master.controllers.framework.informers import Informers
from master.controllers.objects.podstate import is_active
from master.controllers.workloads.daemonset.controller import DaemonSetController
from master.controllers.workloads.daemonset.placement import node_of
from master.controllers.workloads.job.controller import JobController
from master.controllers.workloads.replicaset.controller import ReplicaSetController
from master.controllers.workloads.statefulset.controller import StatefulSetController
from podlab.api.objects import Key, key
from podlab.apps.v1 import replicaset_pb2
from podlab.batch.v1 import job_pb2
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.core.v1 import namespace_pb2, node_pb2, pod_pb2
from podlab.errors import AlreadyExists, Conflict, NotFound, ServiceUnavailable
from podlab.meta.v1 import meta_pb2

WANTED = 4
STEPS = 3000
Make = Callable[..., Any]


@dataclass(frozen=True)
class Workload:
    """What asks for WANTED pods, and its controller."""

    owner: Any
    controller: Callable[[Client, Informers, EventRecorder], Any]


class World:
    """Stands for the API server, whose `news` reach the informers when told to; every third answer may be lost."""

    def __init__(self, workload: Workload, chance: Random) -> None:
        self.chance = chance
        self.objects: dict[Key, Any] = {}
        self.news: dict[str, list[tuple[Key, Any]]] = {}
        self.revision = 0
        self.loses = True
        self.informers = Informers(cast(Client, self))
        self.owner = workload.owner
        self.controller = workload.controller(cast(Client, self), self.informers, cast(EventRecorder, self))
        self._put(namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(name="default", uid="uid-default")))
        for number in range(WANTED):
            self._put(node_pb2.Node(metadata=meta_pb2.ObjectMeta(name=f"n{number}", uid=f"uid-n{number}")))
        self._put(self.owner)

    def active(self) -> list[pod_pb2.Pod]:
        return [obj for at, obj in self.objects.items() if at.kind == "Pod" and is_active(obj)]

    def event(self, *_: object) -> None:
        """Nobody listens."""

    def show_one(self) -> bool:
        """The informers learn of one change. False when they know everything."""
        fresh = sorted(kind for kind, waiting in self.news.items() if waiting)
        if fresh:
            at, obj = self.news[self.chance.choice(fresh)].pop(0)
            self.informers.by_kind[at.group_kind]._set(at, obj)
        return bool(fresh)

    def lose_a_pod(self) -> None:
        """Somebody deletes one, as it goes when no node has it."""
        if present := self.active():
            at = key(self.chance.choice(present))
            del self.objects[at]
            self._told(at, None)

    async def look(self) -> None:
        """One pass of the controller, which fails as it may."""
        try:
            await self.controller.reconcile(key(self.owner))
        except (Conflict, NotFound, AlreadyExists, ServiceUnavailable):
            return

    async def get(self, kind: type[Any], name: str, namespace: str = "") -> Any:
        at = Key.of(kind, namespace, name)
        if at not in self.objects:
            raise NotFound.of(at.kind, name)
        return self.objects[at]

    async def create(self, obj: Any) -> Any:
        at = key(obj)
        if at in self.objects:
            raise AlreadyExists.of(at.kind, at.name)
        made = type(obj)()
        made.CopyFrom(obj)
        made.metadata.uid = f"uid-{self.revision}"
        if isinstance(made, pod_pb2.Pod):
            made.status.phase = "Pending"
        self._put(made)
        if isinstance(made, pod_pb2.Pod):
            self._check()
            if self.loses and self.chance.random() < 0.3:
                raise ServiceUnavailable("the connection broke before the answer came")
        return made

    async def update(self, obj: Any) -> Any:
        there = await self.get(type(obj), obj.metadata.name, obj.metadata.namespace)
        if obj.metadata.resourceVersion not in ("", there.metadata.resourceVersion):
            raise Conflict.of(key(obj).kind, obj.metadata.name)
        made = type(obj)()
        made.CopyFrom(obj)
        self._put(made)
        return made

    update_status = update

    async def delete(self, kind: type[Any], name: str, namespace: str = "", **wanted: Any) -> bool:
        there = await self.get(kind, name, namespace)
        if there.metadata.uid != wanted["uid"]:
            raise Conflict.of(key(there).kind, name)
        del self.objects[key(there)]
        self._told(key(there), None)
        return True

    def _check(self) -> None:
        assert len(self.active()) <= WANTED, "a pod too many"
        places = [node_of(pod) for pod in self.active() if node_of(pod)]
        assert len(places) == len(set(places)), "two pods for one node"

    def _put(self, obj: Any) -> None:
        self.revision += 1
        obj.metadata.resourceVersion = str(self.revision)
        self.objects[key(obj)] = obj
        self._told(key(obj), obj)

    def _told(self, at: Key, obj: Any) -> None:
        shown = None
        if obj is not None:
            shown = type(obj)()
            shown.CopyFrom(obj)
        self.news.setdefault(at.kind, []).append((at, shown))


@pytest.fixture(scope="session")
def workloads(replica_set: Make, stateful_set: Make, daemon_set: Make) -> dict[str, Callable[[], Workload]]:
    def job() -> job_pb2.Job:
        made = job_pb2.Job(metadata=meta_pb2.ObjectMeta(name="sum", namespace="default", uid="uid-sum"))
        made.spec.completions = made.spec.parallelism = WANTED
        made.spec.backoffLimit, made.spec.completionMode = 100, "NonIndexed"
        made.spec.selector.matchLabels["job"] = made.spec.template.metadata.labels["job"] = "sum"
        made.spec.template.spec.containers.add(name="main", image="sum")
        return made

    def of_replica_sets(*parts: Any) -> Any:
        return ReplicaSetController(replicaset_pb2.ReplicaSet, *parts)

    return {
        "ReplicaSet": lambda: Workload(replica_set(replicas=WANTED, present=0), of_replica_sets),
        "StatefulSet": lambda: Workload(stateful_set(WANTED), StatefulSetController),
        "StatefulSet in parallel": lambda: Workload(stateful_set(WANTED, policy="Parallel"), StatefulSetController),
        "DaemonSet": lambda: Workload(daemon_set(), DaemonSetController),
        "Job": lambda: Workload(job(), JobController),
    }


@pytest.mark.parametrize(
    "kind", ["ReplicaSet", "StatefulSet", "StatefulSet in parallel", "DaemonSet", "Job"], ids=lambda kind: kind
)
@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), moves=st.lists(st.sampled_from("lllsssssx"), max_size=60))
def test_there_are_never_too_many_pods_and_in_the_end_enough(
    workloads: dict[str, Callable[[], Workload]], kind: str, seed: int, moves: list[str]
) -> None:
    """Moves: l(ook), s(how), x (a pod is lost)."""

    async def play() -> None:
        world = World(workloads[kind](), Random(seed))
        for move in moves:
            if move == "l":
                await world.look()
            elif move == "s":
                world.show_one()
            else:
                world.lose_a_pod()
        world.loses = False
        for _ in range(STEPS):
            await world.look()
            for pod in world.active():
                say_ready(world, pod)
            if not world.show_one() and len(world.active()) == WANTED:
                return
        pytest.fail(f"{len(world.active())} pods in the end")

    asyncio.run(play())


def say_ready(world: World, pod: pod_pb2.Pod) -> None:
    if pod.status.phase == "Pending":
        pod.status.phase = "Running"
        pod.status.conditions.add(type="Ready", status="True").lastTransitionTime.seconds = 1
        world._put(pod)
