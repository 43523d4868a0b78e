"""The kubelets of all nodes in one: pods that are bound run at once, or are done at once if their label says so."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import Conflict, NotFound

ENDS = "bench/ends"
WRITERS = 16


class Kubelets:
    """Its pods have no grace period: deleting them is the API server's work alone."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._bound: asyncio.Queue[Pod] = asyncio.Queue()
        self._seen: set[str] = set()
        self._addresses = itertools.count(1)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """For as long as the block runs."""
        revision = (await self._client.list(Pod)).resource_version
        tasks = [
            asyncio.create_task(self._watch(revision)),
            *(asyncio.create_task(self._run()) for _ in range(WRITERS)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, revision: str) -> None:
        async for batch in self._client.watch(Pod, revision):
            for event in batch:
                pod = event.object
                if pod is not None and pod.spec.nodeName and pod.metadata.uid not in self._seen:
                    self._seen.add(pod.metadata.uid)
                    self._bound.put_nowait(pod)

    async def _run(self) -> None:
        while True:
            pod = await self._bound.get()
            address = next(self._addresses)
            pod.status.phase = "Succeeded" if ENDS in pod.metadata.labels else "Running"
            pod.status.podIP = f"10.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"
            pod.status.podIPs.add(ip=pod.status.podIP)
            ready = "True" if pod.status.phase == "Running" else "False"
            for condition in ("Ready", "ContainersReady", "Initialized"):
                pod.status.conditions.add(type=condition, status=ready)
            pod.metadata.resourceVersion = ""
            try:
                await self._client.update_status(pod)
            except (NotFound, Conflict):  # deleted meanwhile
                continue
