"""Archives on their way to nodes: of each only the layers that a node lacks, with a bar for each node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from podlab.cli import session
from podlab.cli.images import layout, targets
from podlab.cli.images.layout import Archive
from podlab.client.client import Client
from podlab.errors import ApiError
from podlab.v1 import images_pb2 as pb
from podlab.v1 import images_pb2_grpc


@dataclass(frozen=True)
class Sent:
    """To one node: what the images are called there, how much was sent, and of how many layers how many were there."""

    names: tuple[str, ...]
    sent_bytes: int
    layers: int
    already_there: int

    def __str__(self) -> str:
        told = ", ".join(self.names) or "nothing new"
        if not self.layers:
            return told
        return f"{told} ({targets.size_text(self.sent_bytes)} sent, {self.already_there} of {self.layers} layers there)"


def send(path: Path, tag: str, nodes: Iterable[str] | None) -> None:
    """Gives the archive to the nodes, and tells what each has of it. Raises CommandError, typer.Exit."""
    archive = layout.read(path, tag)
    results = session.run(lambda client: _send_all(client, archive, nodes))
    for name, sent in targets.answered(results).items():
        typer.echo(f"{name}: {sent}")
    targets.finish(results)


async def _send_all(client: Client, archive: Archive, nodes: Iterable[str] | None) -> dict[str, Sent | ApiError]:
    with bars() as progress:

        async def to(images: images_pb2_grpc.ImagesAsyncStub, node: str) -> Sent:
            return await _send(images, archive, node, progress)

        return await targets.on_each(client, await targets.chosen(client, nodes), to)


async def _send(images: images_pb2_grpc.ImagesAsyncStub, archive: Archive, node: str, progress: Progress) -> Sent:
    there: set[str] = set()
    if archive.layers:
        asked = pb.MissingBlobsRequest(node_name=node, digests=list(archive.layers))
        missing = (await images.MissingBlobs(asked, timeout=targets.DEADLINE_S)).digests
        there = set(archive.layers) - set(missing)
    task = progress.add_task(node, total=archive.size(there))
    sent = 0

    def on_sent(count: int) -> None:
        nonlocal sent
        sent += count
        progress.update(task, advance=count)

    requests = _requests(node, layout.chunks(archive, there), on_sent)
    answer = await images.ImportImage(requests, timeout=targets.DEADLINE_S)
    progress.update(task, total=sent, completed=sent)
    return Sent(tuple(answer.image_names), sent, len(archive.layers), len(there))


async def _requests(
    node: str, chunks: Iterator[bytes], on_sent: Callable[[int], None]
) -> AsyncIterator[pb.ImportImageRequest]:
    yield pb.ImportImageRequest(node_name=node)
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield pb.ImportImageRequest(chunk=chunk)
        on_sent(len(chunk))


def bars() -> Progress:
    """On stderr, and only where somebody looks at it."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
