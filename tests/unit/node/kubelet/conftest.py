"""Builders of pods and of what a runtime has of them, valid by default."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from node.kubelet.cri.runtime import NEXT_BACKOFF, Container, ContainerState, ObservedPod, Sandbox
from node.kubelet.pod.pod_notes import PodNotes
from podlab.api import codec
from podlab.core.v1 import pod_pb2

SECOND = 1_000_000_000


def make_pod(*, meta: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **spec: Any) -> pod_pb2.Pod:
    """A pod with one container `web`."""
    data = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "default", "uid": "u1", **(meta or {})},
        "spec": {"containers": [{"name": "web", "image": "podlab.local/hello:1.0"}], "restartPolicy": "Always", **spec},
        "status": {"phase": "Pending", **(status or {})},
    }
    made = codec.from_dict(data)
    assert isinstance(made, pod_pb2.Pod)
    return made


def make_run(
    name: str = "web",
    *,
    attempt: int = 0,
    code: int | None = None,
    backoff_s: int = 0,
    sandbox: str = "s0",
    **more: Any,
) -> Container:
    """A running container, or, with an exit code, one that ran from second 10 to second 20."""
    state = ContainerState.RUNNING if code is None else ContainerState.EXITED
    values: dict[str, Any] = {
        "id": f"{name}-{attempt}",
        "sandbox_id": sandbox,
        "name": name,
        "attempt": attempt,
        "state": state,
        "created_ns": 9 * SECOND + attempt,
        "started_ns": 10 * SECOND,
        "finished_ns": 0 if code is None else 20 * SECOND,
        "exit_code": code or 0,
        "annotations": {NEXT_BACKOFF: str(backoff_s)},
        **more,
    }
    return Container(**values)


def make_observed(*runs: Container, attempt: int = 0, ready: bool = True, sandboxes: int = 1) -> ObservedPod:
    """A pod with one sandbox, the newest runs first."""
    boxes = tuple(
        Sandbox(f"s{number}", number, ready and number == attempt, number * SECOND, ("10.244.1.2",))
        for number in range(attempt, attempt - sandboxes, -1)
    )
    return ObservedPod("u1", "default", "a", boxes, runs)


@pytest.fixture
def pod() -> Callable[..., pod_pb2.Pod]:
    return make_pod


@pytest.fixture
def run() -> Callable[..., Container]:
    return make_run


@pytest.fixture
def observed() -> Callable[..., ObservedPod]:
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


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def listen() -> AsyncIterator[Callable[[Handler], Awaitable[int]]]:
    """Serves connections with a handler on a port of loopback, which is returned; all of them end with the test."""
    async with AsyncExitStack() as servers, asyncio.TaskGroup() as handlers:

        async def start(handler: Handler) -> int:
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
