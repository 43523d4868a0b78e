"""Many writers and watchers over gRPC and REST while the server is killed: what was acknowledged holds, and everybody
sees the same history.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiohttp
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S

from podlab.client.client import Client
from podlab.core.v1 import config_pb2
from podlab.errors import Conflict, ServiceUnavailable
from podlab.meta.v1 import meta_pb2

KILLS = 4
BETWEEN_KILLS_S = 1.0
CREATORS, COUNTERS, WATCHERS = 3, 3, 2  # of each protocol
PAUSE_S = 0.02
ANSWERS_WITHIN_S = 20.0
PATH = "/api/v1/namespaces/default/configmaps"
COUNTER, LAST = "counter", "last"


class LostError(Exception):
    """The server went away: nobody knows whether the write happened."""


@dataclass(frozen=True, order=True)
class Change:
    """What a watcher saw."""

    revision: int
    type: str
    name: str
    value: str


class Access(Protocol):
    """ConfigMaps over one of the protocols. Each raises LostError; update also Conflict."""

    async def create(self, name: str) -> int: ...
    async def get(self, name: str) -> tuple[int, int]: ...
    async def update(self, name: str, value: int, revision: int) -> int: ...
    def watch(self, revision: int) -> AsyncIterator[Change]: ...


class OverGrpc:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def create(self, name: str) -> int:
        with _losing():
            return _revision(await self._client.create(_config_map(name, "0")))

    async def get(self, name: str) -> tuple[int, int]:
        with _losing():
            found = await self._client.get(config_pb2.ConfigMap, name, "default")
        return int(found.data["value"]), _revision(found)

    async def update(self, name: str, value: int, revision: int) -> int:
        with _losing():
            return _revision(await self._client.update(_config_map(name, str(value), str(revision))))

    async def watch(self, revision: int) -> AsyncIterator[Change]:
        with _losing():
            async for batch in self._client.watch(config_pb2.ConfigMap, str(revision), "default"):
                for event in batch:
                    if event.object is not None:
                        data = event.object.data
                        yield Change(int(event.resource_version), event.type, event.object.metadata.name, data["value"])


class OverRest:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def create(self, name: str) -> int:
        return int((await self._ask("POST", PATH, _manifest(name, "0")))["metadata"]["resourceVersion"])

    async def get(self, name: str) -> tuple[int, int]:
        found = await self._ask("GET", f"{PATH}/{name}", None)
        return int(found["data"]["value"]), int(found["metadata"]["resourceVersion"])

    async def update(self, name: str, value: int, revision: int) -> int:
        body = _manifest(name, str(value), str(revision))
        return int((await self._ask("PUT", f"{PATH}/{name}", body))["metadata"]["resourceVersion"])

    async def watch(self, revision: int) -> AsyncIterator[Change]:
        with _losing():
            async with self._session.get(f"{PATH}?watch=true&resourceVersion={revision}") as response:
                response.raise_for_status()
                async for line in response.content:
                    if not line.endswith(b"\n"):
                        return  # cut off by the kill
                    event = json.loads(line)
                    metadata = event["object"]["metadata"]
                    yield Change(
                        int(metadata["resourceVersion"]),
                        event["type"],
                        metadata["name"],
                        event["object"]["data"]["value"],
                    )

    async def _ask(self, method: str, path: str, body: Any) -> Any:
        with _losing():
            async with self._session.request(method, path, json=body) as response:
                if response.status == Conflict.code and method == "PUT":
                    raise Conflict("another won")
                response.raise_for_status()
                return await response.json()


@dataclass
class Outcome:
    """What the writers were told."""

    created: dict[str, int] = field(default_factory=dict)
    counted: list[int] = field(default_factory=list)
    unknown_counts: int = 0


@dataclass
class Process:
    """The server as a process that can be killed and started again."""

    command: tuple[str, ...]
    log: Path
    running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = await asyncio.create_subprocess_exec(*self.command, stdout=log, stderr=log)

    async def kill(self) -> None:
        assert self.running is not None
        assert self.running.returncode is None, self.log.read_text()
        self.running.kill()
        await self.running.wait()


async def test_nothing_acknowledged_is_lost_and_all_see_one_history(cluster: Cluster, tmp_path: Path) -> None:
    async with _process(cluster, tmp_path) as process, AsyncExitStack() as stack:

        async def accesses(count: int) -> list[Access]:
            over_grpc = [OverGrpc(await cluster.client()) for _ in range(count)]
            return [*over_grpc, *[OverRest(await stack.enter_async_context(_session(cluster))) for _ in range(count)]]

        reader = (await accesses(1))[0]
        begin = await _once_it_answers(lambda: reader.create(COUNTER))
        outcome = Outcome()
        seen: list[list[Change]] = []
        watchers = []
        for access in await accesses(WATCHERS):
            seen.append([])
            watchers.append(asyncio.create_task(_follow(access, begin, seen[-1])))
        end = time.monotonic() + (KILLS + 1) * BETWEEN_KILLS_S
        creators = [_create(access, f"c{n}", end, outcome) for n, access in enumerate(await accesses(CREATORS))]
        counters = [_count(access, end, outcome) for access in await accesses(COUNTERS)]
        await asyncio.gather(*creators, *counters, _kill_now_and_then(process))

        await _once_it_answers(lambda: reader.create(LAST))
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*watchers)
        final, _ = await reader.get(COUNTER)
        _check(outcome, seen, final)


def _check(outcome: Outcome, seen: list[list[Change]], final: int) -> None:
    history = seen[0]
    revisions = [change.revision for change in history]
    assert revisions == sorted(set(revisions)), "a watcher saw a change twice, or out of order"
    for other in seen[1:]:
        assert other == history, "two watchers saw different histories"
    made = {change.name: change.revision for change in history if change.type == "ADDED"}
    lost = {name: revision for name, revision in outcome.created.items() if made.get(name) != revision}
    assert not lost, "acknowledged creations that no watcher saw"
    assert len(outcome.created) > KILLS
    doubled = [value for value, times in Counter(outcome.counted).items() if times > 1]
    assert not doubled, "two writers won with the same resourceVersion"
    assert len(outcome.counted) > KILLS
    assert len(outcome.counted) <= final <= len(outcome.counted) + outcome.unknown_counts
    steps = [int(change.value) for change in history if change.name == COUNTER]
    assert steps == list(range(1, final + 1)), "the counter skipped or repeated a value"


async def _create(access: Access, prefix: str, end: float, outcome: Outcome) -> None:
    number = 0
    while time.monotonic() < end:
        name = f"{prefix}-{number}"
        number += 1
        try:
            outcome.created[name] = await access.create(name)
        except LostError:
            await asyncio.sleep(PAUSE_S)


async def _count(access: Access, end: float, outcome: Outcome) -> None:
    while time.monotonic() < end:
        try:
            value, revision = await access.get(COUNTER)
        except LostError:
            await asyncio.sleep(PAUSE_S)
            continue
        try:
            await access.update(COUNTER, value + 1, revision)
        except Conflict:
            continue
        except LostError:
            outcome.unknown_counts += 1
            await asyncio.sleep(PAUSE_S)
        else:
            outcome.counted.append(value + 1)


async def _follow(access: Access, begin: int, into: list[Change]) -> None:
    """Watch until the last change of all; on from the last one seen whenever the server goes away."""
    while True:
        try:
            async for change in access.watch(into[-1].revision if into else begin):
                into.append(change)
                if change.name == LAST:
                    return
        except LostError:
            await asyncio.sleep(PAUSE_S)


async def _kill_now_and_then(process: Process) -> None:
    for _ in range(KILLS):
        await asyncio.sleep(BETWEEN_KILLS_S)
        await process.kill()
        await process.start()


async def _once_it_answers(ask: Callable[[], Awaitable[int]]) -> int:
    async with asyncio.timeout(ANSWERS_WITHIN_S):
        while True:
            try:
                return await ask()
            except LostError:
                await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def _process(cluster: Cluster, directory: Path) -> AsyncIterator[Process]:
    await cluster.stop()
    config = cluster.settings_file(directory)
    process = Process((sys.executable, "-m", "master.apiserver.main", "--config", str(config)), directory / "log")
    await process.start()
    try:
        yield process
    finally:
        await process.kill()


@asynccontextmanager
async def _session(cluster: Cluster) -> AsyncIterator[aiohttp.ClientSession]:
    tls = cluster.authority.tls()
    context = ssl.create_default_context(cafile=str(tls.ca))
    context.load_cert_chain(tls.cert, tls.key)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(f"https://127.0.0.1:{cluster.settings.rest_port}", connector=connector) as session:
        yield session


@contextmanager
def _losing() -> Iterator[None]:
    """A server that is away, or that goes while it answers."""
    try:
        yield
    except (ServiceUnavailable, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as error:
        raise LostError from error


def _config_map(name: str, value: str, revision: str = "") -> config_pb2.ConfigMap:
    metadata = meta_pb2.ObjectMeta(name=name, namespace="default", resourceVersion=revision)
    return config_pb2.ConfigMap(metadata=metadata, data={"value": value})


def _manifest(name: str, value: str, revision: str = "") -> dict[str, object]:
    metadata = {"name": name} | ({"resourceVersion": revision} if revision else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}


def _revision(found: config_pb2.ConfigMap) -> int:
    return int(found.metadata.resourceVersion)
