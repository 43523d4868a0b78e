"""What is measured: one thing after another goes, and the nodes say for how long they missed it."""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from apiserver import tell
from masters import Master, Masters, started
from podlab_testing.waiting import until
from processes import Stopwatch, running

from podlab import pki
from podlab.client.client import Client
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.node_pb2 import Node
from podlab.errors import ApiError
from podlab.meta.v1.meta_pb2 import ObjectMeta

LOADS = 8
REGISTERED_WITHIN_S = 300.0
SETTLE_S, IDLE_S, AFTER_S = 15.0, 20.0, 25.0
WRITE_S = 0.02


@dataclass(frozen=True)
class Line:
    """What one node noticed."""

    what: str
    node: str
    began_s: float
    ended_s: float


@dataclass(frozen=True)
class Nodes:
    """What all nodes told so far."""

    files: tuple[Path, ...]

    def told(self, what: str, since_s: float = 0.0) -> list[Line]:
        """Of that kind, what ended since then."""
        return [each for each in self._lines() if each.what == what and each.ended_s >= since_s]

    def _lines(self) -> Iterator[Line]:
        for file in self.files:
            for line in file.read_text().splitlines():
                with suppress(ValueError):  # the last line may not be whole yet
                    what, node, began, ended = line.split()
                    yield Line(what, node, float(began), float(ended))


async def measure(count: int) -> None:
    async with started() as masters, controllers(masters), nodes(masters, count) as told:
        await asyncio.sleep(SETTLE_S)
        await idle(masters)
        first, second, _ = masters.servers
        await lost(f"API server with {first.connections()} connections killed", masters, told, first.kill())
        tell("  it starts again and answers", await first.start(), "s", 2)
        await hung(f"API server with {second.connections()} connections hangs", masters, told, second)
        leader = await asyncio.to_thread(masters.etcd.leader)
        await lost("etcd's leader killed", masters, told, asyncio.to_thread(leader.kill))
        leader.start()
        await asyncio.to_thread(masters.etcd.wait)
        await still_ready(masters, count)


@asynccontextmanager
async def controllers(masters: Masters) -> AsyncIterator[None]:
    """They look whether nodes are heard of. Who loses its Lease ends, and is started again, as units are."""

    async def run() -> None:
        while True:
            with suppress(RuntimeError):
                async with running("controllers", masters, {"pod_cidr": "10.0.0.0/8"}) as service:
                    await until(lambda: not service.process.is_running(), "it ends", within_s=math.inf, every_s=0.5)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def nodes(masters: Masters, count: int) -> AsyncIterator[Nodes]:
    watch = Stopwatch()
    for number in range(count):
        name = f"n{number}"
        pki.ensure_certificate(
            masters.ca, masters.directory / "pki", name, f"system:node:{name}", ["system:nodes"], [name]
        )
    tell(f"certificates of {count} nodes made", watch.s(), "s", 1)
    share = count // LOADS
    files = tuple(masters.directory / f"told-{number}" for number in range(LOADS))
    async with AsyncExitStack() as stack:
        watch = Stopwatch()
        for number, file in enumerate(files):
            file.touch()
            process = await _load(masters, number * share, share, file)
            stack.push_async_callback(_ended, process)
        told = Nodes(files)
        await until(
            lambda: len(told.told("registered")) >= share * LOADS,
            "all nodes are registered",
            within_s=REGISTERED_WITHIN_S,
            every_s=0.5,
        )
        tell(f"{share * LOADS} nodes register, each with a connection of its own", watch.s(), "s", 1)
        yield told


async def _load(masters: Masters, first: int, count: int, file: Path) -> asyncio.subprocess.Process:
    program = str(Path(__file__).with_name("manynodes.py"))
    words = (masters.grpc_address, str(masters.directory / "pki"), str(first), str(count), str(file))
    with file.with_suffix(".log").open("wb") as log:
        return await asyncio.create_subprocess_exec(sys.executable, program, *words, stdout=log, stderr=log)


async def _ended(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # which its log explains
        process.kill()
    await process.wait()


async def idle(masters: Masters) -> None:
    """What beats and watches cost, with nothing else going on."""
    before = masters.cpu()
    await asyncio.sleep(IDLE_S)
    for name, now_s in masters.cpu().items():
        tell(f"idle {name}", (now_s - before[name]) / IDLE_S * 100, "% of a core", 1)
    for each in masters.servers:
        assert each.process is not None
        tell(f"  API server {each.number}: connections", each.connections(), "")
        tell(f"  API server {each.number}: memory", each.process.memory_full_info().pss / (1 << 20), "MiB")


async def lost(what: str, masters: Masters, told: Nodes, breaking: object) -> None:
    """What the nodes and a writer notice of it."""
    before = masters.cpu()
    async with writer(masters) as gaps:
        since_s = time.monotonic()
        await breaking  # type: ignore[misc]
        await asyncio.sleep(AFTER_S)
    print(f"{what}:", flush=True)
    _told(told, since_s)
    tell("  longest without a write of another client", max(gaps), "s", 2)
    spent = {name: now_s - before.get(name, 0.0) for name, now_s in masters.cpu().items()}
    tell("  processor time of API servers and etcd meanwhile", sum(spent.values()), "s", 1)


async def hung(what: str, masters: Masters, told: Nodes, server: Master) -> None:
    async def hang() -> None:
        server.hang()

    await lost(what, masters, told, hang())
    server.go_on()


def _told(told: Nodes, since_s: float) -> None:
    watches = sorted(each.ended_s - since_s for each in told.told("watch", since_s))
    late = sorted(each.ended_s - each.began_s for each in told.told("late", since_s))
    beats = sorted(each.ended_s - each.began_s for each in told.told("beat", since_s))
    tell("  watches that went on elsewhere", len(watches), "")
    if watches:
        for share, name in ((0.5, "half of them within"), (0.99, "99 % within")):
            tell(f"    {name}", watches[int(len(watches) * share)], "s", 2)
        tell("    all within", watches[-1], "s", 2)
    tell("  of those, listed anew", len(told.told("listed", since_s)), "")
    tell("  heartbeats that had to be sent again", len(late), "")
    if late:
        tell("    all taken within", late[-1], "s", 2)
    if beats:
        tell("  other heartbeats, p99", beats[int(len(beats) * 0.99)], "s", 3)


@asynccontextmanager
async def writer(masters: Masters) -> AsyncIterator[list[float]]:
    """Writes one object after another, by any server; how long each took that was acknowledged, tries included."""
    gaps, over = [0.0], asyncio.Event()

    async def write(client: Client) -> None:
        since_s, number = time.monotonic(), 0
        while not over.is_set():
            name = f"written-{time.monotonic_ns()}"
            try:
                await client.create(ConfigMap(metadata=ObjectMeta(name=name, namespace="default")))
            except ApiError:
                await asyncio.sleep(WRITE_S)
                continue
            gaps.append(time.monotonic() - since_s)
            number += 1
            await asyncio.sleep(WRITE_S)
            since_s = time.monotonic()

    async with Client(masters.grpc_address, masters.tls) as client:
        writing = asyncio.create_task(write(client))
        try:
            yield gaps
        finally:
            over.set()
            await writing


async def still_ready(masters: Masters, count: int) -> None:
    """No node was given up meanwhile: nobody's heartbeats were missed for long enough."""
    async with Client(masters.grpc_address, masters.tls) as client:
        found = (await client.list(Node)).items
    ready = sum(each.type == "Ready" and each.status == "True" for node in found for each in node.status.conditions)
    tell(f"nodes of {count} that are Ready in the end", ready, "")
