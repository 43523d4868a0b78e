"""A prober on every node as long as the check runs: all open and close side by side, so that none waits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import grpc

from podlab.cli import failures
from podlab.cli.doctor.outcomes import Outcomes
from podlab.cli.probing import Prober
from podlab.client.client import Client
from podlab.errors import ApiError
from podlab.v1 import kubelet_pb2

_NODES_AT_ONCE = 16


@contextlib.asynccontextmanager
async def opened(client: Client, nodes: Sequence[str], outcomes: Outcomes) -> AsyncIterator[dict[str, Prober]]:
    """The probers of all nodes that have one by then; why others have none is in `outcomes`."""
    probers: dict[str, Prober] = {}
    places, over = asyncio.Semaphore(_NODES_AT_ONCE), asyncio.Event()

    async def hold(name: str, ready: asyncio.Event) -> None:
        prober = Prober(client, kubelet_pb2.ProbeStart(node_name=name, apart=True))
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with places:
                    probers[name] = await stack.enter_async_context(prober.open())
                outcomes.opened(name)
                ready.set()
                await over.wait()
        except (grpc.aio.AioRpcError, ApiError) as error:
            outcomes.failed(name, failures.message(error).replace("\n", " "))
        finally:
            ready.set()

    async with asyncio.TaskGroup() as group:
        waited = [asyncio.Event() for _ in nodes]
        for name, ready in zip(nodes, waited, strict=True):
            group.create_task(hold(name, ready))
        for ready in waited:
            await ready.wait()
        try:
            yield probers
        finally:
            over.set()
