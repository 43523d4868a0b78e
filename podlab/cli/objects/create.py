"""`podlab create`: objects from manifests, or of the usual kinds from a few words."""

from collections.abc import Sequence
from typing import Annotated

import typer
from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.objects import metadata
from podlab.cli import failures, session
from podlab.cli.objects import generators, manifests, printing
from podlab.cli.options import DEFAULT_NAMESPACE, DryRun, DryRunOption, Files, Namespace, Output, OutputFormat
from podlab.client.client import Client
from podlab.errors import ApiError, NotFound

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Create objects from manifests or from a few words.",
)
secret_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Create a Secret.")
app.add_typer(secret_app, name="secret")

Name = Annotated[str, typer.Argument(help="The object's name.")]
Literals = Annotated[list[str] | None, typer.Option("--from-literal", help="An entry.", metavar="KEY=VALUE")]
FromFiles = Annotated[
    list[str] | None,
    typer.Option("--from-file", help="An entry from a file, or from each of a directory's.", metavar="[KEY=]PATH"),
]


@app.callback()
def create(
    ctx: typer.Context,
    filename: Files = None,
    namespace: Namespace = "",
    output: OutputFormat = None,
    dry_run: DryRunOption = DryRun.NONE,
) -> None:
    """Create objects from manifests, or from a few words.

    \b
    podlab create -f FILE
    podlab create deployment web --image podlab.local/hello:1.0
    """
    if ctx.invoked_subcommand:
        if filename:
            raise typer.BadParameter(f"-f goes without `{ctx.invoked_subcommand}`")
        return
    if not filename:
        raise failures.CommandError("say what to create: -f FILE, or a kind (`podlab create --help`)")
    read = manifests.read(filename, namespace or DEFAULT_NAMESPACE, explicit=bool(namespace))
    places = [f'error when creating "{source.file}"' for source in read]
    _create([source.message for source in read], places, output, dry_run)


@app.command()
@app.command("deploy", hidden=True)
def deployment(
    name: Name,
    image: Annotated[list[str], typer.Option(help="A container's image; several for several containers.")],
    replicas: Annotated[int, typer.Option("--replicas", "-r", help="How many pods.", min=0)] = 1,
    port: Annotated[int | None, typer.Option(help="The port that the container listens on.")] = None,
    command: Annotated[list[str] | None, typer.Argument(help="-- COMMAND, in place of the image's own.")] = None,
    namespace: Namespace = DEFAULT_NAMESPACE,
    output: OutputFormat = None,
    dry_run: DryRunOption = DryRun.NONE,
) -> None:
    """Create a Deployment."""
    _one(generators.deployment(name, namespace, image, replicas, port, command or ()), output, dry_run)


@app.command("namespace")
@app.command("ns", hidden=True)
def create_namespace(name: Name, output: OutputFormat = None, dry_run: DryRunOption = DryRun.NONE) -> None:
    """Create a Namespace."""
    _one(generators.namespace(name), output, dry_run)


@app.command()
@app.command("cm", hidden=True)
def configmap(
    name: Name,
    from_literal: Literals = None,
    from_file: FromFiles = None,
    namespace: Namespace = DEFAULT_NAMESPACE,
    output: OutputFormat = None,
    dry_run: DryRunOption = DryRun.NONE,
) -> None:
    """Create a ConfigMap."""
    _one(generators.config_map(name, namespace, from_literal or (), from_file or ()), output, dry_run)


@secret_app.command()
def generic(
    name: Name,
    from_literal: Literals = None,
    from_file: FromFiles = None,
    secret_type: Annotated[str, typer.Option("--type", help="The Secret's type.")] = "Opaque",  # noqa: S107  # no password, a kind of Secret
    namespace: Namespace = DEFAULT_NAMESPACE,
    output: OutputFormat = None,
    dry_run: DryRunOption = DryRun.NONE,
) -> None:
    """Create a Secret from values and files."""
    _one(generators.secret(name, namespace, secret_type, from_literal or (), from_file or ()), output, dry_run)


def _one(obj: Message, output: OutputFormat, dry_run: DryRun) -> None:
    _create([obj], [f"failed to create {kinds.of(obj).singular}"], output, dry_run)


def _create(objects: Sequence[Message], places: Sequence[str], output: OutputFormat, dry_run: DryRun) -> None:
    """Tries all of them on the server before the first is stored."""
    if dry_run is DryRun.CLIENT:
        _report(objects, output, " (dry run)")
        return
    made, errors = session.run(
        lambda client: _store(client, objects, places, dry_run=dry_run is DryRun.SERVER), field_manager="podlab-create"
    )
    _report(made, output, " (server dry run)" if dry_run is DryRun.SERVER else "")
    for error in errors:
        printing.warn(failures.message(error))
    if errors:
        raise typer.Exit(1)


async def _store(
    client: Client, objects: Sequence[Message], places: Sequence[str], *, dry_run: bool
) -> tuple[list[Message], list[ApiError]]:
    new = {metadata(obj).name for obj in objects if obj.DESCRIPTOR.name == "Namespace"}
    tried: list[Message] = []
    errors: list[ApiError] = []
    for obj, place in zip(objects, places, strict=True):
        try:
            tried.append(await client.create(obj, dry_run=True))
        except NotFound as error:
            # Its namespace comes with the same manifests, and is not there yet.
            if metadata(obj).namespace not in new:
                errors.append(failures.while_doing(error, place))
        except ApiError as error:
            errors.append(failures.while_doing(error, place))
    if dry_run or errors:
        return tried if not errors else [], errors
    return [await client.create(obj) for obj in objects], []


def _report(objects: Sequence[Message], output: OutputFormat, note: str) -> None:
    if output in (Output.YAML, Output.JSON, Output.NAME) and objects:
        printing.write(printing.objects_text(objects, output, as_list=len(objects) > 1))
        return
    for obj in objects:
        typer.echo(f"{printing.named(obj)} created{note}")
