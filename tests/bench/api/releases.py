"""The API server of this checkout beside that of another release: what a request costs, and how many are answered.

Both servers live at once on stores of their own. Bursts of one load alternate between them, with the order turned each
round, so that both meet the same machine; what is told is the median of the rounds' ratios, and the middle half of
them. All is done twice: memory lies differently in the server that is started first. Loads that only one of the two can
answer are left out.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from apiserver import HERE, started
from bursts import Load, Side

ROUNDS = 8
# glibc moves these while it runs, each process to values of its own: what freed memory costs is then not the release's.
_ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": str(128 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}


@dataclass(frozen=True)
class Figures:
    """Of one burst, for each operation: seconds of the server's processors, and of the clock on the wall."""

    cpu_s: float
    took_s: float


@dataclass(frozen=True)
class Pair:
    """One load in one round."""

    before: Figures
    now: Figures


async def measure(before: Path, loads: list[Load]) -> None:
    """`before` is a checkout of the other release, bootstrapped."""
    if not (before / ".venv/bin/python").exists():
        raise SystemExit(f"{before}: no .venv/bin/python; run `make bootstrap` there")
    pairs: defaultdict[str, list[Pair]] = defaultdict(list)
    for first, second in ((before, HERE), (HERE, before)):
        async with (
            started(told=f"start of {first}", checkout=first, environment=_ENVIRONMENT) as one,
            started(told=f"start of {second}", checkout=second, environment=_ENVIRONMENT) as other,
        ):
            sides = {first: await Side.of(one), second: await Side.of(other)}
            for load in loads:
                if all([await load.is_served(side) for side in sides.values()]):
                    pairs[load.name] += await _rounds(load, sides[before], sides[HERE])
    for name, found in pairs.items():
        _tell(name, found)


async def _rounds(load: Load, before: Side, now: Side) -> list[Pair]:
    """The first round, in which caches are filled, does not count."""
    pairs = []
    for number in range(ROUNDS + 1):
        if number % 2:
            old = await _burst(load, before)
            new = await _burst(load, now)
        else:
            new = await _burst(load, now)
            old = await _burst(load, before)
        pairs.append(Pair(old, new))
    return pairs[1:]


async def _burst(load: Load, side: Side) -> Figures:
    burst = await load.prepare(side, load.operations)
    begun, cpu_s = time.perf_counter(), side.server.process_clock_s()
    await burst()
    took_s, cpu_s = time.perf_counter() - begun, side.server.process_clock_s() - cpu_s
    return Figures(cpu_s / load.operations, took_s / load.operations)


def _tell(name: str, pairs: list[Pair]) -> None:
    old_us, new_us = (
        statistics.median(figures.cpu_s for figures in side) * 1e6
        for side in ([pair.before for pair in pairs], [pair.now for pair in pairs])
    )
    cpu = _spread([pair.now.cpu_s / pair.before.cpu_s for pair in pairs])
    rate = _spread([pair.before.took_s / pair.now.took_s for pair in pairs])
    print(f"{name:<50} CPU {old_us:7,.0f} -> {new_us:7,.0f} us, x {cpu}; rate x {rate}", flush=True)


def _spread(ratios: list[float]) -> str:
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"
