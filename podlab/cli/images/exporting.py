"""`podlab image export` and `podlab export`: images, and the file systems of containers, as tar archives."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Annotated

import typer

from podlab.api.values import imagenames
from podlab.cli import session
from podlab.cli.failures import CommandError
from podlab.cli.images import sending, targets
from podlab.cli.images.targets import DEADLINE_S, Nodes
from podlab.cli.options import DEFAULT_NAMESPACE, Container, Namespace, Pod
from podlab.cli.pods import pod_lookup
from podlab.client.client import Client
from podlab.v1 import images_pb2 as pb

OutputFile = Annotated[
    Path | None, typer.Option("--output", "-o", help="Where to write it; standard output by default.", dir_okay=False)
]


def export_image(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Images that one node has.")],
    output: OutputFile = None,
    node: Nodes = None,
) -> None:
    """Write images as an OCI archive, which Docker loads too: podlab image export web:1 -o web.tar"""

    async def export(client: Client) -> None:
        at = await node_with(client, names, node)
        request = pb.ExportImageRequest(node_name=at, image_names=names)
        await _write(targets.stub(client).ExportImage(request, timeout=DEADLINE_S), output, at)

    _refuse_terminal(output)
    session.run(export)


def export_container(
    pod: Pod, namespace: Namespace = DEFAULT_NAMESPACE, container: Container = "", output: OutputFile = None
) -> None:
    """Write a container's file system as a tar archive, without what is mounted there.

    \b
    podlab export pod/web-1 -c main -o web.tar
    podlab export deployment/web | tar -x -C files
    """

    async def export(client: Client) -> None:
        found = await pod_lookup.find_pod(client, pod, namespace)
        name = pod_lookup.container_of(found, container)
        request = pb.ExportContainerRequest(namespace=namespace, pod=found.metadata.name, container=name)
        await _write(targets.stub(client).ExportContainer(request, timeout=DEADLINE_S), output, name)

    _refuse_terminal(output)
    session.run(export)


async def node_with(client: Client, names: Sequence[str], nodes: Iterable[str] | None) -> str:
    """The first node that has all these images. Raises CommandError when none has."""
    results = await targets.on_each(
        client,
        await targets.chosen(client, nodes),
        lambda images, at: images.ListImages(pb.ListImagesRequest(node_name=at), timeout=DEADLINE_S),
    )
    wanted = [imagenames.normalized(name) if imagenames.is_reference(name) else name for name in names]
    for at, answer in targets.answered(results).items():
        known = {each for image in answer.images for each in image.names}
        if known.issuperset(wanted):
            return at
    raise CommandError(f"no node has {', '.join(names)} (`podlab image list`): pull, import or build it first")


async def _write(
    answers: AsyncIterable[pb.ExportImageResponse] | AsyncIterable[pb.ExportContainerResponse],
    output: Path | None,
    title: str,
) -> None:
    with sending.bars() as progress, _opened(output) as (file, keep):
        task = progress.add_task(title, total=None)
        async for answer in answers:
            file.write(answer.chunk)
            progress.update(task, advance=len(answer.chunk))
        file.flush()
        keep()


@contextlib.contextmanager
def _opened(output: Path | None) -> Iterator[tuple[IO[bytes], Callable[[], object]]]:
    """A file is there when it is whole."""
    if output is None:
        yield sys.stdout.buffer, lambda: None
        return
    partial = output.with_name(f".{output.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file, lambda: partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def _refuse_terminal(output: Path | None) -> None:
    if output is None and sys.stdout.isatty():
        raise CommandError("--output: Required value: an archive is not written to a terminal; name a file, or pipe it")
