"""`podlab preflight`: are these hosts fit for a cluster? A front for playbooks/preflight.yml."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

import typer

from podlab.client.config import cluster_name, state_directory
from podlab.deploy.preflight.arguments import PassingOn
from podlab.deploy.preflight.playbook import PreflightError, inventory_given, look
from podlab.deploy.preflight.report import as_json, as_text, has_errors
from podlab.settings import SettingsError


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


class Preflight(PassingOn):
    own: ClassVar[Mapping[str, bool]] = {"--format": True}


def preflight(
    ctx: typer.Context,
    output: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.TEXT,
) -> None:
    """Check the hosts of an inventory, without changing them, over whatever Ansible connects with.

    All other options are ansible-playbook's: -i INVENTORY (the lab's when not given), -u USER, --private-key FILE,
    --ask-become-pass, -e NAME=VALUE, --vault-password-file FILE, --limit HOSTS. Exit code 1: a host is not fit.
    """
    options = list(ctx.args)
    try:
        if not inventory_given(options):
            options = ["-i", str(state_directory(cluster_name()) / "inventory"), *options]
        outcome = look(options)
    except (PreflightError, SettingsError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    render = {Format.TEXT: as_text, Format.JSON: as_json}[output]
    typer.echo(render(outcome))
    if has_errors(outcome.findings):
        raise typer.Exit(1)


app = typer.Typer(add_completion=False)
app.command(cls=Preflight)(preflight)
