"""`python tests/bench/dns [SERVICES]`: what the cluster's DNS of one node does, a figure a line, each with its aim.

A real API server, the agent, and two DNS servers that share the port, as a node has them; all on loopback and on the
processors of this machine, load generator included. Rates come from dnsperf, where it is installed; those of a core are
over both servers' own processor time.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.extend([str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "api")])

import asking
import uvloop
from asking import Asking, quantile
from podlab_testing.resolver import ADDRESS
from podlab_testing.waiting import until
from standing import ENDPOINTS, Standing, service, standing

from node.dns.message import NOERROR, NXDOMAIN

SERVICES = 10_000
CREATES, ASKED = 200, 5_000
DOMAIN = "default.svc.cluster.local"
RATE_AIM, TIME_AIM_MS, FIRST_ANSWER_AIM_MS = 30_000, 1.0, 100.0
MEMORY_AIM_MIB = 100


def tell(what: str, figure: str, aim: str = "") -> None:
    print(f"dns: {what}: {figure}{f' (aim {aim})' if aim else ''}", flush=True)


def times(values_ms: list[float]) -> str:
    return f"p50 {quantile(values_ms, 0.5):.2f} ms, p99 {quantile(values_ms, 0.99):.2f} ms"


def answers(stands: Standing, what: str, name: Callable[[], str], wanted: int) -> None:
    """How fast names of one sort are answered."""
    client, took_ms = Asking(ADDRESS, stands.port), []
    for _ in range(ASKED):
        asked, began_s = name(), time.perf_counter()
        assert client.code(asked) == wanted
        took_ms.append((time.perf_counter() - began_s) * 1000)
    tell(f"{what}, one after another", times(took_ms), f"p99 {TIME_AIM_MS:.0f} ms")
    if not asking.is_installed():
        tell(f"{what}, rate", "not measured: apt-get install dnsperf")
        return
    before_s = stands.processor_s()
    load = asking.load(ADDRESS, stands.port, name)
    a_core = load.rate * asking.SECONDS / (stands.processor_s() - before_s)
    tell(f"{what}, rate", f"{load.rate:,.0f}/s, {a_core:,.0f}/s a core, {load.lost} lost", f"{RATE_AIM:,}/s a core")
    load = asking.load(ADDRESS, stands.port, name, RATE_AIM)
    tell(f"{what}, {load.rate:,.0f}/s", f"{times(list(load.times_ms))}, {load.lost} lost", f"p99 {TIME_AIM_MS:.0f} ms")


async def first_answers(stands: Standing) -> None:
    """From the call that creates a Service until its name is answered; each name was asked for before."""
    client, took_ms, before_s = Asking(ADDRESS, stands.port), [], stands.agent_processor_s()
    for number in range(CREATES):
        name = f"new-{number}.{DOMAIN}"
        assert client.code(name) == NXDOMAIN
        began_s = time.perf_counter()
        creating = asyncio.create_task(stands.admin.create(service(f"new-{number}")))
        await until(lambda: client.code(name) == NOERROR, f"{name} is answered", every_s=0.001)  # noqa: B023
        took_ms.append((time.perf_counter() - began_s) * 1000)
        await creating
    tell("create a Service to its first answer", times(took_ms), f"p99 {FIRST_ANSWER_AIM_MS:.0f} ms")
    agent_ms = (stands.agent_processor_s() - before_s) * 1000 / CREATES
    tell("  processor time of the agent", f"{agent_ms:.1f} ms a Service")


async def restart(stands: Standing) -> None:
    first = stands.servers[0]
    first.stop()
    began_s = time.perf_counter()
    await first.start()
    tell("a server that starts again answers after", f"{time.perf_counter() - began_s:.2f} s")


def memory(stands: Standing) -> None:
    *servers, agent = stands.memory_mib()
    tell("memory of the two servers", " + ".join(f"{each:.0f}" for each in servers) + " MiB")
    tell("memory of the agent", f"{agent:.0f} MiB", f"{MEMORY_AIM_MIB} MiB")


async def measure(count: int) -> None:
    async with standing(count) as stands:
        tell(
            f"{count:,} Services x {ENDPOINTS} endpoints, answered after the agent's start",
            f"{stands.synced_after_s:.1f} s",
        )
        present = lambda: f"svc-{random.randrange(count)}.{DOMAIN}"  # noqa: E731
        absent = lambda: f"none-{random.randrange(1_000_000)}.{DOMAIN}"  # noqa: E731
        await asyncio.to_thread(answers, stands, "names there", present, NOERROR)
        await asyncio.to_thread(answers, stands, "names not there", absent, NXDOMAIN)
        await first_answers(stands)
        await restart(stands)
        memory(stands)


if __name__ == "__main__":
    uvloop.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else SERVICES))
