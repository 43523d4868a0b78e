"""Asks as much as it can for some seconds, on many connections, heeding nothing that it is told. A process of its own.

input, and ends with what it was answered as JSON: seconds that each served request took, how many were refused, and
what else it was answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
import time
from collections import Counter

import aiohttp
import uvloop

MAPS = "/api/v1/namespaces/default/configmaps"


async def main() -> None:
    base, ca, cert, key, connections, seconds = sys.argv[1:]
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(cert, key)
    served: list[float] = []
    codes: Counter[int] = Counter()
    retry_after: set[str] = set()
    connecting = asyncio.Semaphore(20)

    async def work(http: aiohttp.ClientSession, number: int) -> None:
        end, turn = time.perf_counter() + float(seconds), 0
        while (started := time.perf_counter()) < end:
            turn += 1
            body = {"metadata": {"name": f"greedy-{number}-{turn}"}} if turn % 2 else None
            async with http.request("POST" if body else "GET", MAPS, json=body) as response:
                await response.read()
                codes[response.status] += 1
                if response.status < 300:
                    served.append(time.perf_counter() - started)
                else:
                    retry_after.add(response.headers.get("Retry-After", ""))

    async with contextlib.AsyncExitStack() as stack:
        sessions = [
            await stack.enter_async_context(
                aiohttp.ClientSession(base, connector=aiohttp.TCPConnector(ssl=context, limit=1))
            )
            for _ in range(int(connections))
        ]

        async def connect(http: aiohttp.ClientSession) -> None:
            async with connecting, http.get("/readyz") as response:
                await response.read()

        await asyncio.gather(*map(connect, sessions))
        print("ready", flush=True)
        sys.stdin.readline()
        await asyncio.gather(*(work(http, number) for number, http in enumerate(sessions)))
    print(json.dumps({"served": served, "codes": codes, "retry_after": sorted(retry_after)}))


uvloop.run(main())
