"""Which nodes a command about images is for, and what becomes of it on each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, TypeVar

import grpc
import typer

from podlab.api.objects import condition
from podlab.cli import completion, failures
from podlab.cli.objects import printing
from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.errors import ApiError
from podlab.v1 import images_pb2_grpc

DEADLINE_S = 1800.0

Nodes = Annotated[
    list[str] | None,
    typer.Option("--node", help="A node.", show_default="all that are ready", autocompletion=completion.nodes),
]
T = TypeVar("T")
Ask = Callable[["images_pb2_grpc.ImagesAsyncStub", str], Awaitable[T]]


def stub(client: Client) -> images_pb2_grpc.ImagesAsyncStub:
    return images_pb2_grpc.ImagesStub(client.channel)


async def chosen(client: Client, named: Iterable[str] | None) -> list[str]:
    """Those named, or all that are ready. Raises CommandError when there are none."""
    if names := list(named or ()):
        return names
    ready = [
        node.metadata.name
        for node in (await client.list(Node)).items
        if (found := condition(node.status.conditions, "Ready")) and found.status == "True"
    ]
    if not ready:
        raise failures.CommandError("no node is ready (`podlab get nodes`)")
    return sorted(ready)


async def on_each(client: Client, names: Iterable[str], ask: Ask[T]) -> dict[str, T | ApiError]:
    """What each node answers, or why it does not."""

    async def one(name: str) -> T | ApiError:
        try:
            return await ask(stub(client), name)
        except grpc.aio.AioRpcError as error:
            return failures.shown_error(error)

    listed = list(names)
    return dict(zip(listed, await asyncio.gather(*(one(name) for name in listed)), strict=True))


def answered(results: Mapping[str, T | ApiError]) -> dict[str, T]:
    """Those that did it. Why others did not is told on stderr."""
    done = {}
    for name, result in results.items():
        if isinstance(result, ApiError):
            printing.warn(f"{name}: {failures.message(result)}")
        else:
            done[name] = result
    return done


def finish(results: Mapping[str, object]) -> None:
    """Exit code 1 when a node did not do it."""
    if any(isinstance(result, ApiError) for result in results.values()):
        raise typer.Exit(1)


def size_text(size_bytes: int) -> str:
    """As Docker writes it: 2.13MB."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g}{unit}"
        size /= 1000
    return f"{size:.3g}TB"
