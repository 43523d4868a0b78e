"""Run in a network namespace of its own: how long the proxy takes for a whole world of rules, and for one change."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop
from services import CLUSTER_CIDR, endpoint_slice, service

from node.iptables import Iptables, Ruleset, restore_input
from node.proxy.rules import PREFIX, ProxyNode, render, to_ruleset

SERVICES, ENDPOINTS = 1000, 3


@contextmanager
def timed(backend: str, what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    took_s = time.perf_counter() - started
    print(f"proxy, {backend}, {SERVICES} Services x {ENDPOINTS} endpoints: {what}: {took_s:.3f} s")


def world(services: int, endpoints_of_first: int = ENDPOINTS) -> Ruleset:
    slices = [endpoint_slice(number, ENDPOINTS if number else endpoints_of_first) for number in range(services)]
    return to_ruleset(render(map(service, range(services)), slices, ProxyNode("n1", CLUSTER_CIDR)))


async def change(tables: Iptables, backend: str, what: str, current: Ruleset, wanted: Ruleset) -> None:
    with timed(backend, f"{what}: diff"):
        text = restore_input(current, wanted)
    with timed(backend, f"{what}: restore of {len(text.splitlines())} lines"):
        await tables.restore(text)


async def main(backend: str) -> None:
    tables = Iptables(backend)
    with timed(backend, "render"):
        whole = world(SERVICES)
    await change(tables, backend, "from nothing", {}, whole)
    with timed(backend, "read"):
        standing = await tables.read(PREFIX)
    assert restore_input(standing, whole) == ""
    await change(tables, backend, "one endpoint less", whole, fewer := world(SERVICES, ENDPOINTS - 1))
    await change(tables, backend, "one Service more", fewer, world(SERVICES + 1, ENDPOINTS - 1))


uvloop.run(main(sys.argv[1]))
