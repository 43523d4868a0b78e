"""Pods are made and deleted once, whatever answers come or do not come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from master.controllers.framework.informers import Informers
from master.controllers.framework.podcontrol import PodControl, PodEventMessages
from podlab.api.objects import Key, key
from podlab.apps.v1 import replicaset_pb2
from podlab.client.client import Client
from podlab.client.eventrecorder import EventRecorder
from podlab.client.informer import Change
from podlab.client.workqueue import WorkQueue
from podlab.core.v1 import namespace_pb2, pod_pb2
from podlab.errors import ApiError, Forbidden, NotFound, ServiceUnavailable

Builder = Callable[..., Any]


class FakeServer:
    """Stores pods by name. Answers to creations are `refused`, or `lost` after the pod was stored."""

    def __init__(self) -> None:
        self.pods: dict[str, pod_pb2.Pod] = {}
        self.calls: list[str] = []
        self.refused: ApiError | None = None
        self.lost = False

    async def create(self, pod: pod_pb2.Pod) -> pod_pb2.Pod:
        self.calls.append(f"create {pod.metadata.name}")
        if self.refused is not None:
            raise self.refused
        self.pods[pod.metadata.name] = pod
        if self.lost:
            raise ServiceUnavailable("the connection broke")
        return pod

    async def get(self, _: type[pod_pb2.Pod], name: str, namespace: str) -> pod_pb2.Pod:
        self.calls.append(f"get {name}")
        if name not in self.pods:
            raise NotFound.of("pods", name)
        return self.pods[name]

    async def delete(self, _: type[pod_pb2.Pod], name: str, namespace: str, *, uid: str) -> bool:
        self.calls.append(f"delete {name}")
        if name not in self.pods or self.pods[name].metadata.uid != uid:
            raise NotFound.of("pods", name)
        del self.pods[name]
        return True


class Told:
    """A recorder that keeps reasons and messages."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def event(self, _: object, event_type: str, reason: str, message: str) -> None:
        self.events.append((reason, message))


class Bench:
    """A PodControl of one ReplicaSet, whose informers show only what they are told."""

    def __init__(self, owner: replicaset_pb2.ReplicaSet, words: PodEventMessages) -> None:
        self.owner, self.server, self.told = owner, FakeServer(), Told()
        client = cast(Client, self.server)
        self.informers = Informers(client)
        namespace = namespace_pb2.Namespace()
        namespace.metadata.name = owner.metadata.namespace
        self.informers.namespaces.store[key(namespace)] = namespace
        self.queue: WorkQueue[Key] = WorkQueue()
        recorder = cast(EventRecorder, self.told)
        self.pods = PodControl(replicaset_pb2.ReplicaSet, client, self.informers, recorder, self.queue, words=words)

    def show(self, pod: pod_pb2.Pod) -> None:
        """The informer sees the pod."""
        change = Change(key(pod), None, pod)
        for handler in self.informers.pods._handlers:
            handler(change)


@pytest.fixture
def bench(replica_set: Builder) -> Bench:
    return Bench(replica_set("web"), PodEventMessages())


def pods_of(bench: Bench, count: int) -> list[pod_pb2.Pod]:
    made = []
    for number in range(count):
        pod = pod_pb2.Pod()
        pod.metadata.name, pod.metadata.namespace = f"web-{number}", "default"
        pod.metadata.uid = f"uid-{number}"
        owner = bench.owner.metadata
        pod.metadata.ownerReferences.add(
            apiVersion="apps/v1", kind="ReplicaSet", name=owner.name, uid=owner.uid, controller=True
        )
        made.append(pod)
    return made


async def test_pods_that_were_made_are_waited_for_until_they_are_seen(bench: Bench) -> None:
    assert await bench.pods.settled(bench.owner)
    one, other = pods_of(bench, 2)
    await bench.pods.create(bench.owner, [one, other])
    assert bench.told.events[0] == ("SuccessfulCreate", "Created pod: web-0")
    bench.show(one)
    assert not await bench.pods.settled(bench.owner)
    bench.show(other)
    assert await bench.pods.settled(bench.owner)


async def test_a_template_that_is_refused_costs_one_call(bench: Bench) -> None:
    bench.server.refused = Forbidden("exceeded quota")
    with pytest.raises(Forbidden):
        await bench.pods.create(bench.owner, pods_of(bench, 100))
    assert bench.server.calls == ["create web-0"]
    assert bench.told.events == [("FailedCreate", "Error creating: exceeded quota")]
    assert await bench.pods.settled(bench.owner)


async def test_after_a_lost_answer_the_server_is_asked(bench: Bench) -> None:
    (pod,) = pods_of(bench, 1)
    bench.server.lost = True
    with pytest.raises(ServiceUnavailable):
        await bench.pods.create(bench.owner, [pod])
    assert not await bench.pods.settled(bench.owner), "it is there, but was not seen"
    assert bench.server.calls == ["create web-0", "get web-0"]
    del bench.server.pods["web-0"]
    assert await bench.pods.settled(bench.owner), "it is not there"


async def test_the_name_is_anothers(bench: Bench) -> None:
    (pod,) = pods_of(bench, 1)
    bench.server.lost = True
    with pytest.raises(ServiceUnavailable):
        await bench.pods.create(bench.owner, [pod])
    bench.server.pods["web-0"].metadata.ownerReferences[0].uid = "another"
    assert await bench.pods.settled(bench.owner)


async def test_what_is_gone_already_is_deleted(bench: Bench) -> None:
    one, other = pods_of(bench, 2)
    bench.server.pods["web-0"] = one
    await bench.pods.delete(bench.owner, [one, other])
    assert bench.told.events == [("SuccessfulDelete", "Deleted pod: web-0")]
    assert bench.server.calls == ["delete web-0", "delete web-1"]
    assert not await bench.pods.settled(bench.owner), "the end of web-0 was not seen"


async def test_nothing_is_made_in_a_namespace_that_goes(bench: Bench) -> None:
    for namespace in bench.informers.namespaces.store.values():
        namespace.metadata.deletionTimestamp.seconds = 1
    await bench.pods.create(bench.owner, pods_of(bench, 3))
    assert not bench.server.calls


async def test_events_are_in_the_owners_words(replica_set: Builder) -> None:
    bench = Bench(replica_set("web"), PodEventMessages(created="create Pod {pod} in {owner} successful"))
    await bench.pods.create(bench.owner, pods_of(bench, 1))
    assert bench.told.events == [("SuccessfulCreate", "create Pod web-0 in web successful")]
