"""Builders of pods and of what a runtime has of them, and servers on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
from podlab_testing.kubelet_pods import (
    Listen,
    MakeObserved,
    MakePod,
    MakeRun,
    StreamHandler,
    make_observed,
    make_pod,
    make_run,
)

from node.kubelet.pod.pod_notes import PodNotes


@pytest.fixture
def pod() -> MakePod:
    return make_pod


@pytest.fixture
def run() -> MakeRun:
    return make_run


@pytest.fixture
def observed() -> MakeObserved:
    return make_observed


@pytest.fixture
def notes() -> PodNotes:
    return PodNotes(accepted_at=100.0)


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can take meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        yield port


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Serves connections with a handler on a port of loopback, which is returned; all of them end with the test."""
    async with AsyncExitStack() as servers, asyncio.TaskGroup() as handlers:

        async def start(handler: StreamHandler) -> int:
            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    await handler(reader, writer)
                except (asyncio.IncompleteReadError, ConnectionError):
                    pass  # the caller left: it only tried whether somebody is there
                finally:
                    writer.close()
                    await asyncio.gather(writer.wait_closed(), return_exceptions=True)

            def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                handlers.create_task(serve(reader, writer))

            server = await asyncio.start_server(connected, "127.0.0.1", 0)
            await servers.enter_async_context(server)
            port: int = server.sockets[0].getsockname()[1]
            return port

        yield start
