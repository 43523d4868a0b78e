"""How fast the store commits: run `python tests/bench/store/bench_store.py [DIRECTORY]`.

Each line is one run of a few seconds on a fresh file: N tasks in one event loop, each awaiting its commit before the
next. "Durable" means as in production: WAL, synchronous=FULL, answered after the fsync. The last lines let the loop
compute beside it, as an apiserver does, because the interpreter is shared between the loop and the writer.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from master.store.contract import Put
from master.store.sqlite.store import SqliteStore

_BODY = os.urandom(1500)
_RUN_S = 3.0


def _percentile(latencies: list[float], share: float) -> float:
    return sorted(latencies)[int(len(latencies) * share)] * 1e3


async def _commits(store: SqliteStore, clients: int, keys: int, work_s: float) -> tuple[int, list[float]]:
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


async def _report(directory: Path, title: str, clients: int, keys: int, work_s: float = 0.0) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        store = await SqliteStore.open(Path(folder) / "bench.db")
        started = time.perf_counter()
        count, latencies = await _commits(store, clients, keys, work_s)
        rate = count / (time.perf_counter() - started)
        middle, tail = _percentile(latencies, 0.5), _percentile(latencies, 0.99)
        print(f"{title:<58} {rate:>8,.0f}/s   p50 {middle:6.2f} ms   p99 {tail:6.2f} ms", flush=True)
        await store.close()


async def _report_reads(directory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        store = await SqliteStore.open(Path(folder) / "bench.db")
        for start in range(0, 5000, 500):
            await store.commit([Put(f"/registry/pods/a/{number:05}", _BODY, 0) for number in range(start, start + 500)])
        old = await store.revision()
        await store.commit([Put(f"/registry/pods/a/{number:05}", _BODY, None) for number in range(2500)])
        cases: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            ("range of 5,000 entries, now", lambda: store.range("/registry/pods/")),
            (
                "range of 5,000 entries before half of them changed",
                lambda: store.range("/registry/", revision=old),
            ),
            ("get of one entry", lambda: store.get("/registry/pods/a/00042")),
        ]
        for title, read in cases:
            await read()
            started = time.perf_counter()
            for _ in range(10):
                await read()
            print(f"{title:<58} {(time.perf_counter() - started) * 100:8.2f} ms", flush=True)
        await store.close()


async def main() -> None:
    """Print one line per case."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.gettempdir())
    print(f"{os.cpu_count()} cores, files in {directory}, bodies of {len(_BODY)} bytes, {_RUN_S:g} s per line")
    for clients in (1, 16, 64):
        await _report(directory, f"create, {clients} clients", clients, 0)
    await _report(directory, "update of 50 keys per client, 64 clients", 64, 50)
    await _report(directory, "create, 64 clients, 80 µs of work each between commits", 64, 0, 80e-6)
    sys.setswitchinterval(0.001)
    await _report(directory, "the same, interpreter switch interval 1 ms", 64, 0, 80e-6)
    await _report_reads(directory)


if __name__ == "__main__":
    asyncio.run(main())
