"""How fast the stores commit: run `make bench-store`, or `PYTHONPATH=tests python tests/bench/store/bench_store.py
[DIRECTORY]`.

Each line is one run of a few seconds on a fresh store: N tasks in one event loop, each awaiting its commit before the
next. "Durable" means as in production: SQLite with WAL, synchronous=FULL, answered after the fsync; etcd as one real
member on the same disk with its own fsyncs. The last lines let the loop compute beside it, as an apiserver does,
because the interpreter is shared between the loop and the writer.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from podlab_testing.etcd import PROGRAM, running

from master.store.contract import Put, Store
from master.store.etcd.access import access
from master.store.etcd.store import EtcdStore
from master.store.sqlite.store import SqliteStore

Open = Callable[[Path], AbstractAsyncContextManager[Store]]

_BODY = os.urandom(1500)
_RUN_S = 3.0


@asynccontextmanager
async def _sqlite(directory: Path) -> AsyncIterator[Store]:
    store = await SqliteStore.open(directory / "bench.db")
    yield store
    await store.close()


@asynccontextmanager
async def _etcd(directory: Path) -> AsyncIterator[Store]:
    with running(directory) as cluster:
        store = await EtcdStore.open(access(cluster.endpoints))
        yield store
        await store.close()


def _percentile(latencies: list[float], share: float) -> float:
    return sorted(latencies)[int(len(latencies) * share)] * 1e3


async def _commits(store: Store, clients: int, keys: int, work_s: float) -> tuple[int, list[float]]:
    """Commit from `clients` tasks for a while; `keys` 0 means that every commit creates a new key."""
    latencies: list[float] = []
    end = time.perf_counter() + _RUN_S

    async def client(number: int) -> None:
        count = 0
        while (start := time.perf_counter()) < end:
            name = f"{number}-{count % keys if keys else count}"
            await store.commit([Put(f"/registry/pods/default/web-{name}", _BODY, None)])
            latencies.append(time.perf_counter() - start)
            count += 1
            busy_until = time.perf_counter() + work_s
            while time.perf_counter() < busy_until:
                pass

    await asyncio.gather(*(client(number) for number in range(clients)))
    return len(latencies), latencies


async def _report(directory: Path, opened: Open, title: str, clients: int, keys: int, work_s: float = 0.0) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        async with opened(Path(folder)) as store:
            await _measure(store, title, clients, keys, work_s)


async def _measure(store: Store, title: str, clients: int, keys: int, work_s: float) -> None:
    started = time.perf_counter()
    count, latencies = await _commits(store, clients, keys, work_s)
    rate = count / (time.perf_counter() - started)
    middle, tail = _percentile(latencies, 0.5), _percentile(latencies, 0.99)
    print(f"{title:<66} {rate:>8,.0f}/s   p50 {middle:6.2f} ms   p99 {tail:6.2f} ms", flush=True)


async def _report_reads(directory: Path, opened: Open, name: str) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        async with opened(Path(folder)) as store:
            await _measure_reads(store, name)


async def _measure_reads(store: Store, name: str) -> None:
    keys = [f"/registry/pods/a/{number:05}" for number in range(5000)]
    for batch in store.limits.batches(Put(key, _BODY, 0) for key in keys):
        await store.commit(batch)
    old = await store.revision()
    for batch in store.limits.batches(Put(key, _BODY, None) for key in keys[:2500]):
        await store.commit(batch)
    cases: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("range of 5,000 entries, now", lambda: store.range("/registry/pods/")),
        ("range of 5,000 entries before half of them changed", lambda: store.range("/registry/", revision=old)),
        ("get of one entry", lambda: store.get(keys[42])),
        ("revision, which each read of the API asks for", store.revision),
    ]
    for title, read in cases:
        await read()
        started = time.perf_counter()
        for _ in range(10):
            await read()
        print(f"{name + ': ' + title:<66} {(time.perf_counter() - started) * 100:8.2f} ms", flush=True)


async def main() -> None:
    """Print one line per case."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.gettempdir())
    print(f"{os.cpu_count()} cores, files in {directory}, bodies of {len(_BODY)} bytes, {_RUN_S:g} s per line")
    stores: dict[str, Open] = {"SQLite": _sqlite}
    if PROGRAM.exists():
        stores["etcd"] = _etcd
    else:
        print(f"there is no {PROGRAM} (scripts/bootstrap servers): its figures left out")
    for clients in (1, 16, 64):
        for name, opened in stores.items():
            await _report(directory, opened, f"{name}: create, {clients} clients", clients, 0)
    for name, opened in stores.items():
        await _report(directory, opened, f"{name}: update of 50 keys per client, 64 clients", 64, 50)
        title = f"{name}: create, 64 clients, 80 µs of work each between commits"
        await _report(directory, opened, title, 64, 0, 80e-6)
    sys.setswitchinterval(0.001)
    for name, opened in stores.items():
        title = f"{name}: the same, interpreter switch interval 1 ms"
        await _report(directory, opened, title, 64, 0, 80e-6)
        await _report_reads(directory, opened, name)


if __name__ == "__main__":
    asyncio.run(main())
