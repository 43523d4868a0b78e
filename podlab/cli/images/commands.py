"""`podlab image`: its commands, as Docker's users know them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated

import typer

from podlab.api.values import imagenames
from podlab.cli import session
from podlab.cli.images import building, exporting, logins, sending, targets
from podlab.cli.images.targets import DEADLINE_S, Nodes
from podlab.cli.objects import printing
from podlab.cli.options import ArchivePath
from podlab.client.client import Client
from podlab.errors import ApiError, NotFound
from podlab.v1 import images_pb2 as pb

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Build, list, send, pull, push and remove images of the nodes.",
)
ImageName = Annotated[str, typer.Argument(metavar="NAME", help="[REGISTRY/]NAME[:TAG].")]
ImageOrId = Annotated[
    str, typer.Argument(metavar="NAME|ID", help="[REGISTRY/]NAME[:TAG], or the first digits of an id.")
]
_NONE = "<none>"
_ID_DIGITS = 12


@app.callback()
def image() -> None:
    """Build, list, send, pull, push and remove images of the nodes."""


app.command("build")(building.build)
app.command("export")(exporting.export_image)


@app.command("list")
def list_images(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Only this repository, or this NAME:TAG.")] = "",
    node: Nodes = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the ids.")] = False,
) -> None:
    """List the images, each with the nodes that have it: podlab image list"""
    results = session.run(lambda client: _ask_all(client, node))
    rows = image_rows(targets.answered(results), name)
    if quiet:
        lines = list(dict.fromkeys(row[2] for row in rows))
    else:
        lines = printing.aligned([("REPOSITORY", "TAG", "IMAGE ID", "SIZE", "NODES"), *rows])
    printing.write("".join(f"{line}\n" for line in lines))
    targets.finish(results)


@app.command("import")
def import_image(
    archive: ArchivePath,
    node: Nodes = None,
    tag: Annotated[str, typer.Option("--tag", "-t", help="Another name for the archive's only image.")] = "",
) -> None:
    """Give an image archive to the nodes, without layers that they have: podlab image import web.tar --node n1"""
    sending.send(archive, tag, node)


@app.command()
def pull(name: ImageName, node: Nodes = None) -> None:
    """Have nodes pull an image: podlab image pull registry.podlab.local:5000/web:1

    Who `docker login` or `buildah login` says that we are, the registry is told.
    """
    login = logins.of_image(name)

    async def on_nodes(client: Client) -> dict[str, pb.PullImageResponse | ApiError]:
        return await targets.on_each(
            client,
            await targets.chosen(client, node),
            lambda images, at: images.PullImage(
                pb.PullImageRequest(node_name=at, image_name=name, login=login), timeout=DEADLINE_S
            ),
        )

    results = session.run(on_nodes)
    for at, done in targets.answered(results).items():
        size = targets.size_text(done.size_bytes)
        typer.echo(f"{at}: {imagenames.normalized(name)} ({_short(done.image_id)}, {size})")
    targets.finish(results)


@app.command()
def push(name: ImageName, node: Nodes = None) -> None:
    """Push an image from a node that has it to its registry: podlab image push registry.podlab.local:5000/web:1"""
    login = logins.of_image(name)

    async def from_node(client: Client) -> str:
        at = await exporting.node_with(client, [name], node)
        typer.echo(f"The push refers to repository [{imagenames.normalized(name).rpartition(':')[0]}], from {at}")
        request = pb.PushImageRequest(node_name=at, image_name=name, login=login)
        return (await targets.stub(client).PushImage(request, timeout=DEADLINE_S)).digest

    typer.echo(f"{imagenames.normalized(name).rpartition(':')[2]}: digest: {session.run(from_node)}")


@app.command()
def tag(
    source: ImageOrId,
    target: Annotated[str, typer.Argument(metavar="NEW", help="[REGISTRY/]NAME[:TAG].")],
    node: Nodes = None,
) -> None:
    """Give an image one more name, on all nodes that have it: podlab image tag web:1 registry.podlab.local:5000/web"""

    async def on_nodes(client: Client) -> dict[str, pb.TagImageResponse | ApiError]:
        return await targets.on_each(
            client,
            await targets.chosen(client, node),
            lambda images, at: images.TagImage(
                pb.TagImageRequest(node_name=at, image_name=source, new_name=target), timeout=DEADLINE_S
            ),
        )

    _finish_where_it_was(session.run(on_nodes), bool(node))


@app.command()
def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME|ID...", help="Images by name, or by id.")],
    node: Nodes = None,
) -> None:
    """Take names away from images; an image goes with its last one: podlab image remove web:1

    An image stays that a container is made of, even one that has ended.
    """
    for name in names:
        results = session.run(lambda client, name=name: _remove(client, name, node))  # type: ignore[misc]
        for at, done in results.items():
            if not isinstance(done, ApiError):
                printing.write("".join(f"{at}: Untagged: {each}\n" for each in done.untagged))
                printing.write(f"{at}: Deleted: {done.deleted}\n" if done.deleted else "")
        _finish_where_it_was(results, bool(node))


@app.command()
def prune(
    node: Nodes = None,
    every: Annotated[
        bool, typer.Option("--all", "-a", help="Those with names too, if no container needs them.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Do not ask.")] = False,
) -> None:
    """Remove images that no container is made of and that have no name; with --all those with names too."""
    kind = "images without at least one container made of them" if every else "images without a name"
    if not force and not typer.confirm(f"WARNING! This will remove all {kind}.\nAre you sure you want to continue?"):
        raise typer.Exit(1)

    async def on_nodes(client: Client) -> dict[str, pb.PruneImagesResponse | ApiError]:
        return await targets.on_each(
            client,
            await targets.chosen(client, node),
            lambda images, at: images.PruneImages(pb.PruneImagesRequest(node_name=at, all=every), timeout=DEADLINE_S),
        )

    results = session.run(on_nodes)
    done = targets.answered(results)
    for at, answer in done.items():
        printing.write("".join(f"{at}: Deleted: {each.id} ({_title(each)})\n" for each in answer.removed))
    reclaimed = sum(each.size_bytes for answer in done.values() for each in answer.removed)
    typer.echo(f"Total reclaimed space: {targets.size_text(reclaimed)}")
    targets.finish(results)


async def _remove(client: Client, name: str, nodes: list[str] | None) -> dict[str, pb.RemoveImageResponse | ApiError]:
    return await targets.on_each(
        client,
        await targets.chosen(client, nodes),
        lambda images, at: images.RemoveImage(pb.RemoveImageRequest(node_name=at, image_name=name), timeout=DEADLINE_S),
    )


async def _ask_all(client: Client, nodes: list[str] | None) -> dict[str, pb.ListImagesResponse | ApiError]:
    return await targets.on_each(
        client,
        await targets.chosen(client, nodes),
        lambda images, at: images.ListImages(pb.ListImagesRequest(node_name=at), timeout=DEADLINE_S),
    )


def image_rows(answers: Mapping[str, pb.ListImagesResponse], wanted: str = "") -> list[tuple[str, ...]]:
    """Repository, tag, id, size, and nodes; one row for each name by tag, or for each image that has none."""
    nodes: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for node, answer in answers.items():
        for each in answer.images:
            pairs = [imagenames.repository_and_tag(name) for name in each.names if imagenames.is_tag(name)]
            by_digest = [imagenames.repository_and_tag(name)[0] for name in each.names]
            for repository, tagged in pairs or [(next(iter(by_digest), _NONE), _NONE)]:
                if not wanted or wanted in (repository, f"{repository}:{tagged}"):
                    size = targets.size_text(each.size_bytes)
                    nodes[(repository, tagged, _short(each.id), size)].append(node)
    return [(*key, ",".join(sorted(found))) for key, found in sorted(nodes.items())]


def _finish_where_it_was(results: Mapping[str, object], nodes_named: bool) -> None:
    """Nodes without the image do not matter, unless they were named or no node has it."""
    lacking = {at: each for at, each in results.items() if isinstance(each, NotFound) and each.kind == "images"}
    if nodes_named or len(lacking) == len(results):
        lacking = {}
    others = {at: each for at, each in results.items() if at not in lacking}
    targets.answered(others)
    targets.finish(others)


def _title(each: pb.NodeImage) -> str:
    return next((name for name in each.names if imagenames.is_tag(name)), _NONE)


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:_ID_DIGITS]
