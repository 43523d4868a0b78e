"""`podlab image`: container images on the nodes, without a registry."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import grpc
import typer

from podlab.api.objects import condition
from podlab.cli import completion, failures, session
from podlab.cli.objects import printing
from podlab.cli.options import ArchivePath
from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.errors import ApiError
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Container images on the nodes."
)

_CHUNK = 1024 * 1024
_DEADLINE_S = 600.0


@app.callback()
def image() -> None:
    """Container images on the nodes."""


@app.command("import")
def import_image(
    archive: ArchivePath,
    node: Annotated[
        list[str] | None,
        typer.Option(help="A node to give it to.", show_default="all that are ready", autocompletion=completion.nodes),
    ] = None,
) -> None:
    """Give an image archive to the nodes' container runtimes: podlab image import web.tar --node n1"""
    results = session.run(lambda client: _import_all(client, archive, node or ()))
    failed = False
    for name, result in results.items():
        if isinstance(result, ApiError):
            failed = True
            printing.warn(f"{name}: {failures.message(result)}")
        else:
            typer.echo(f"{name}: {', '.join(result) or 'nothing new'}")
    if failed:
        raise typer.Exit(1)


async def _import_all(client: Client, archive: Path, nodes: list[str] | tuple[()]) -> dict[str, list[str] | ApiError]:
    names = list(nodes) or await _ready_nodes(client)
    results = await asyncio.gather(*(_import(client, archive, name) for name in names))
    return dict(zip(names, results, strict=True))


async def _ready_nodes(client: Client) -> list[str]:
    listed = (await client.list(Node)).items
    ready = [
        node.metadata.name
        for node in listed
        if (found := condition(node.status.conditions, "Ready")) and found.status == "True"
    ]
    if not ready:
        raise failures.CommandError("no node is ready (`podlab get nodes`)")
    return ready


async def _import(client: Client, archive: Path, node: str) -> list[str] | ApiError:
    """The names of the images, or why this node has none of them."""
    stub = kubelet_pb2_grpc.KubeletStub(client.channel)
    try:
        answer = await stub.ImportImage(_requests(archive, node), timeout=_DEADLINE_S)
    except grpc.aio.AioRpcError as error:
        return failures.shown_error(error)
    return list(answer.image_names)


async def _requests(archive: Path, node: str) -> AsyncIterator[kubelet_pb2.ImportImageRequest]:
    yield kubelet_pb2.ImportImageRequest(node_name=node)
    with archive.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield kubelet_pb2.ImportImageRequest(chunk=chunk)
