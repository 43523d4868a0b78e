"""What two releases are compared by: bursts of one kind of request each, as clients of any release send them.

A load prepares a burst, which is not measured, and returns it. It is given a `Side`: a server and clients that last.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import batches
import grpc
import pods
from apiserver import ApiServer
from google.protobuf.message import Message
from podlab_testing import custom_kinds

from podlab.api.objects import wrap
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.meta.v1 import meta_pb2
from podlab.v1 import apiserver_pb2 as pb

CLIENTS = 16
LISTED, WATCHERS = 500, 20
SERVICE = "/podlab.v1.ApiServer/"
_CRONTABS = "/apis/example.com/v1/namespaces/default/crontabs"
_SERVED_LIMIT_S = 30.0
_FILLING = "x" * 800
_MARK = b"told"
_PATCH = b'{"metadata":{"labels":{"app":"web%d"}}}'

Burst = Callable[[], Awaitable[None]]
M = TypeVar("M", bound=Message)


@dataclass
class Side:
    """A server, its clients, and names that it has not been given yet. Requests are bytes: it is the server that is
    measured, and it may be of a release that lacks fields of today."""

    server: ApiServer
    channels: list[grpc.aio.Channel]
    """Of each client."""
    session: aiohttp.ClientSession
    numbers: Iterator[int] = field(default_factory=itertools.count)
    told: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """Released for each event that reaches a watcher."""
    _watching: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    async def of(cls, server: ApiServer) -> Side:
        """With objects that are read and changed."""
        side = cls(server, [(await server.connect()).channel for _ in range(CLIENTS)], await server.session(CLIENTS))
        await side.send("Create", [_created(pods.pod(f"pod-{number}")) for number in range(LISTED)])
        await side.send("Create", [_created(_config_map(f"map-{number}")) for number in range(LISTED)])
        return side

    async def send(self, method: str, requests: Iterable[Message]) -> None:
        """All of them, by all clients at once."""
        waiting = iter([request.SerializeToString() for request in requests])

        async def work(channel: grpc.aio.Channel) -> None:
            rpc = channel.unary_unary(SERVICE + method)
            for request in waiting:
                await rpc(request)

        await asyncio.gather(*map(work, self.channels))

    async def watch(self, kind: str, mark: bytes) -> None:
        """Watchers that stay are told of all objects of the kind that are made from now on and hold the mark."""
        if self._watching:
            return
        stand = asyncio.Semaphore(0)

        async def follow(channel: grpc.aio.Channel) -> None:
            first = True
            async for response in channel.unary_stream(SERVICE + "Watch")(
                pb.WatchRequest(kind=kind).SerializeToString()
            ):
                if first:  # the bookmark that ends what is there
                    first = False
                    stand.release()
                for _ in range(response.count(mark)):
                    self.told.release()

        for channel in itertools.islice(itertools.cycle(self.channels), WATCHERS):
            self._watching.append(asyncio.create_task(follow(channel)))
        for _ in self._watching:
            await stand.acquire()

    def names(self, count: int) -> list[str]:
        """New ones."""
        return [f"new-{number}" for number in itertools.islice(self.numbers, count)]

    def calls(self, method: str, requests: list[Message]) -> Burst:
        """A burst of unary calls."""
        return lambda: self.send(method, requests)

    def calls_in_turn(self, method: str, requests: Iterable[Message]) -> Burst:
        """A burst of calls of one client, as the scheduler is one."""
        rpc, sent = (
            self.channels[0].unary_unary(SERVICE + method),
            [request.SerializeToString() for request in requests],
        )

        async def burst() -> None:
            for each in sent:
                await rpc(each)

        return burst


async def _always(_: Side) -> bool:
    return True


@dataclass(frozen=True)
class Load:
    """`prepare` makes a burst of so many operations, of a server that has what these are about."""

    name: str
    operations: int
    prepare: Callable[[Side, int], Awaitable[Burst]]
    is_served: Callable[[Side], Awaitable[bool]] = _always


async def _create_pods(side: Side, count: int) -> Burst:
    return side.calls("Create", [_created(pods.pod(name)) for name in side.names(count)])


async def _create_config_maps(side: Side, count: int) -> Burst:
    return side.calls("Create", [_created(_config_map(name)) for name in side.names(count)])


async def _post_pods(side: Side, count: int) -> Burst:
    return _by_all_clients(side.names(count), lambda name: pods.post(side.session, name))


async def _post_custom(side: Side, count: int) -> Burst:
    body = {"apiVersion": "example.com/v1", "kind": "CronTab", "spec": {"replicas": 1, "config": {"a": _FILLING}}}

    async def post(name: str) -> None:
        async with side.session.post(_CRONTABS, json={**body, "metadata": {"name": name}}) as response:
            response.raise_for_status()

    return _by_all_clients(side.names(count), post)


async def _serves_custom_kinds(side: Side) -> bool:
    """Has the server serve the one that is created, which earlier releases cannot."""
    async with side.session.post(custom_kinds.DEFINITIONS, json=custom_kinds.definition()) as response:
        if response.status == HTTPStatus.NOT_FOUND:
            return False
    async with asyncio.timeout(_SERVED_LIMIT_S):
        while True:
            async with side.session.get(_CRONTABS) as response:
                if response.ok:
                    return True
            await asyncio.sleep(0.1)


def _by_all_clients(names: list[str], write: Callable[[str], Awaitable[None]]) -> Burst:
    """A burst of requests over REST, by all clients at once."""
    waiting = iter(names)

    async def work() -> None:
        for name in waiting:
            await write(name)

    async def burst() -> None:
        await asyncio.gather(*(work() for _ in range(CLIENTS)))

    return burst


async def _get(side: Side, count: int) -> Burst:
    return side.calls("Get", [pb.GetRequest(kind="Pod", namespace="default", name=name) for name in _there(count)])


async def _list(side: Side, count: int) -> Burst:
    return side.calls("List", [pb.ListRequest(kind="Pod", namespace="default", limit=LISTED)] * count)


async def _update(side: Side, count: int) -> Burst:
    text = next(side.numbers)
    return side.calls(
        "Update", [pb.UpdateRequest(object=wrap(_config_map(name, text))) for name in _there(count, "map")]
    )


async def _update_status(side: Side, count: int) -> Burst:
    return side.calls("UpdateStatus", [pb.UpdateStatusRequest(object=wrap(each)) for each in _running(side, count)])


def _running(side: Side, count: int) -> Iterator[pod_pb2.Pod]:
    for name in _there(count):
        pod = pods.pod(name)
        pod.status.phase, pod.status.podIP = "Running", f"10.0.{next(side.numbers) % 250}.1"
        pod.status.conditions.add(type="Ready", status="True")
        pod.status.containerStatuses.add(name="main", image=pod.spec.containers[0].image, ready=True)
        yield pod


async def _patch(side: Side, count: int) -> Burst:
    at = {
        "kind": "Pod",
        "namespace": "default",
        "type": pb.PATCH_TYPE_STRATEGIC_MERGE,
        "patch": _PATCH % next(side.numbers),
    }
    return side.calls("Patch", [pb.PatchRequest(name=name, **at) for name in _there(count)])


async def _bind(side: Side, count: int) -> Burst:
    names = side.names(count)
    await side.send("Create", [_created(pods.pod(name)) for name in names])
    bindings = [pb.Binding(namespace="default", name=name, node_name="n1") for name in names]
    return side.calls_in_turn("Bind", (pb.BindRequest(bindings=part) for part in _parts(bindings)))


async def _record(side: Side, count: int) -> Burst:
    return _recorded(side, side.names(count))


async def _record_again(side: Side, count: int) -> Burst:
    return _recorded(side, [f"again-{number}" for number in range(count)])


def _recorded(side: Side, names: list[str]) -> Burst:
    events = [batches.event(name, next(side.numbers)) for name in names]
    return side.calls_in_turn("RecordEvents", (pb.RecordEventsRequest(events=part) for part in _parts(events)))


async def _watch(side: Side, count: int) -> Burst:
    """Secrets are created, which nobody else does, and all watchers are told."""
    await side.watch("Secret", _MARK)
    made = [
        config_pb2.Secret(metadata=_metadata(name), data={"a": _MARK + _FILLING.encode()}) for name in side.names(count)
    ]
    create = side.calls("Create", [_created(each) for each in made])

    async def burst() -> None:
        await create()
        for _ in range(count * WATCHERS):
            await side.told.acquire()

    return burst


def _there(count: int, kind: str = "pod") -> list[str]:
    return [f"{kind}-{number % LISTED}" for number in range(count)]


def _parts(items: list[M]) -> Iterator[list[M]]:
    for first in range(0, len(items), batches.AT_ONCE):
        yield items[first : first + batches.AT_ONCE]


def _created(message: Message) -> pb.CreateRequest:
    return pb.CreateRequest(object=wrap(message))


def _metadata(name: str) -> meta_pb2.ObjectMeta:
    return meta_pb2.ObjectMeta(name=name, namespace="default")


def _config_map(name: str, number: int = 0) -> config_pb2.ConfigMap:
    return config_pb2.ConfigMap(metadata=_metadata(name), data={"a": _FILLING, "number": str(number)})


LOADS = (
    Load("create pods over gRPC", 300, _create_pods),
    Load("create ConfigMaps over gRPC", 300, _create_config_maps),
    Load("create pods over REST", 200, _post_pods),
    Load("create custom objects over REST", 200, _post_custom, _serves_custom_kinds),
    Load("get", 500, _get),
    Load(f"list of {LISTED} pods", 60, _list),
    Load("update", 300, _update),
    Load("update of status", 300, _update_status),
    Load("patch", 200, _patch),
    Load(f"create with {WATCHERS} watchers", 150, _watch),
    Load(f"Bind, {batches.AT_ONCE} to a call", 2 * batches.AT_ONCE, _bind),
    Load(f"RecordEvents, {batches.AT_ONCE} to a call", 4 * batches.AT_ONCE, _record),
    Load(f"RecordEvents of what is there, {batches.AT_ONCE} to a call", 2 * batches.AT_ONCE, _record_again),
)


def chosen(words: list[str]) -> list[Load]:
    """Those whose names hold one of the words; all without any."""
    return [load for load in LOADS if not words or any(word in load.name for word in words)]
