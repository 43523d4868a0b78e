"""`podlab create`: objects from manifests, or of the usual kinds from a few words."""

from collections.abc import Sequence
from typing import Annotated

import typer
from google.protobuf.message import Message

from podlab.api import kinds
from podlab.cli import discovery, failures, session
from podlab.cli.objects import generators, manifests, newkinds, printing
from podlab.cli.objects.manifests import Source
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
    read = manifests.read(filename, namespace or DEFAULT_NAMESPACE, explicit=bool(namespace), more=discovery.served)
    _create(read, output, dry_run)


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
    kind = kinds.of(obj)
    _create([Source({}, obj, kind, "")], output, dry_run)


def _create(sources: Sequence[Source], output: OutputFormat, dry_run: DryRun) -> None:
    """Tries all of them on the server before the first is stored."""
    if dry_run is DryRun.CLIENT:
        _report([source.message for source in sources], output, " (dry run)")
        return
    made, errors = session.run(
        lambda client: _store(client, sources, dry_run=dry_run is DryRun.SERVER), field_manager="podlab-create"
    )
    _report(made, output, " (server dry run)" if dry_run is DryRun.SERVER else "")
    for error in errors:
        printing.warn(failures.message(error))
    if errors:
        raise typer.Exit(1)


async def _store(client: Client, sources: Sequence[Source], *, dry_run: bool) -> tuple[list[Message], list[ApiError]]:
    new = {source.name for source in sources if source.kind.name == "Namespace"}
    tried: list[Message] = []
    errors: list[ApiError] = []
    for source in sources:
        try:
            tried.append(await client.create(source.message, dry_run=True))
        except NotFound as error:
            # Its namespace or its kind comes with the same manifests, and is not there yet.
            if source.namespace not in new and not newkinds.defines(sources, source):
                errors.append(failures.while_doing(error, _place(source)))
        except ApiError as error:
            errors.append(failures.while_doing(error, _place(source)))
    if dry_run or errors:
        return tried if not errors else [], errors
    made: list[Message] = []
    for source in sources:
        await newkinds.established(client, source, sources)
        made.append(await client.create(source.message))
    return made, []


def _place(source: Source) -> str:
    return f'error when creating "{source.file}"' if source.file else f"failed to create {source.kind.singular}"


def _report(objects: Sequence[Message], output: OutputFormat, note: str) -> None:
    if output in (Output.YAML, Output.JSON, Output.NAME) and objects:
        printing.write(printing.objects_text(objects, output, as_list=len(objects) > 1))
        return
    for obj in objects:
        typer.echo(f"{printing.named(obj)} created{note}")
