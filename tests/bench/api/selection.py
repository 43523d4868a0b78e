"""What selecting costs in the API server itself, without a network."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from apiserver import tell
from podlab_testing import builtin_kinds

from master.apiserver.authorization.node_graph import NodeGraph
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.listing import Pager
from master.apiserver.watchcache.moment import ANY
from master.apiserver.watchcache.watching import Watcher
from master.store.contract import Put
from master.store.sqlite.store import SqliteStore
from podlab.core.v1 import pod_pb2
from podlab.v1 import apiserver_pb2

PODS, NODES, EVENTS, AT_ONCE = 5000, 100, 2000, 500
SELECTORS: dict[str, dict[str, Any]] = {
    "by a label that few have": {"label_selector": "app=rare"},
    "of one node": {"field_selector": "spec.nodeName=n1"},
    "by name": {"namespace": "default", "field_selector": "metadata.name=p7"},
}


async def measure() -> None:
    """In this process, on a store of its own."""
    with tempfile.TemporaryDirectory(prefix="podlab-bench-", dir=Path.cwd()) as directory:
        await _measure(Path(directory))


async def _measure(directory: Path) -> None:
    async with _cache(directory) as cache:
        lister = Pager(cache)
        for title, selector in SELECTORS.items():
            request = apiserver_pb2.ListRequest(kind="Pod", **selector)
            await lister.page(request, ANY)
            started = time.perf_counter()
            await lister.page(request, ANY)
            tell(f"list of {PODS} pods, {title}, in the server", (time.perf_counter() - started) * 1000, "ms", 2)
        await _watch(cache)


async def _watch(cache: Cache) -> None:
    """Each change is one pod's; one of the watchers wants it."""
    seen = 0
    done = asyncio.Event()

    async def follow(node: int) -> None:
        nonlocal seen
        request = apiserver_pb2.WatchRequest(
            kind="Pod", resource_version=str(cache.revision), field_selector=f"spec.nodeName=n{node}"
        )
        async for _ in Watcher(cache).watch(request, ANY):
            seen += 1
            if seen == EVENTS:
                done.set()

    watchers = [asyncio.create_task(follow(node)) for node in range(NODES)]
    await asyncio.sleep(0.1)  # they stand
    started = time.process_time()
    for number in range(EVENTS):
        await cache.store.commit([Put(_key(number), _pod(number, "changed"), None)])
    await done.wait()
    per_event_us = (time.process_time() - started) / EVENTS * 1e6
    tell(f"commit and event of one pod, {NODES} watchers of a node each", per_event_us, "us")
    for watcher in watchers:
        watcher.cancel()


@asynccontextmanager
async def _cache(directory: Path) -> AsyncIterator[Cache]:
    store = await SqliteStore.open(directory / "store.db")
    cache = Cache(store)
    await cache.load()
    running = asyncio.create_task(cache.run())
    NodeGraph(
        *(
            cache.window(builtin_kinds.named(name))
            for name in ("Pod", "PersistentVolume", "ResourceSlice", "VolumeAttachment")
        )
    )
    for first in range(0, PODS, AT_ONCE):
        await store.commit([Put(_key(number), _pod(number), 0) for number in range(first, first + AT_ONCE)])
    await cache.catch_up()
    yield cache
    running.cancel()
    await store.close()


def _key(number: int) -> str:
    return f"/registry/core/pods/default/p{number}"


def _pod(number: int, note: str = "new") -> bytes:
    pod = pod_pb2.Pod()
    pod.metadata.name, pod.metadata.namespace = f"p{number}", "default"
    pod.metadata.labels["app"] = "rare" if number % 50 == 0 else "web"
    pod.metadata.annotations["example.com/note"] = note * 100
    pod.spec.nodeName = f"n{number % NODES}"
    container = pod.spec.containers.add(name="main", image="podlab.local/hello:1.0")
    for variable in range(8):
        container.env.add(name=f"SETTING_{variable}", value="value")
    return pod.SerializeToString()
