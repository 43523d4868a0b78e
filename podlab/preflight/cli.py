"""`podlab preflight`: are these hosts fit for a cluster? Asked before Ansible changes anything."""

from enum import StrEnum
from typing import Annotated

import typer

from podlab.client.config import cluster_name, state_directory
from podlab.preflight.inventory import InventoryError, read_inventory
from podlab.preflight.judge import judge
from podlab.preflight.report import as_json, as_text, has_errors
from podlab.preflight.ssh import gather
from podlab.settings import SettingsError


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def preflight(
    inventory: Annotated[
        list[str] | None,
        typer.Option("--inventory", "-i", help="Inventory to check; may be given more than once.", show_default=False),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="For people or for programs.")] = Format.TEXT,
) -> None:
    """Check all hosts of an inventory over SSH, without changing them. Exit code 1: one is not fit."""
    try:
        found = read_inventory(inventory or [str(state_directory(cluster_name()) / "inventory")])
    except (InventoryError, SettingsError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    facts = gather(found)
    findings = judge(found.hosts, facts)
    render = {Format.TEXT: as_text, Format.JSON: as_json}[output]
    typer.echo(render(found.hosts, facts, findings))
    if has_errors(findings):
        raise typer.Exit(1)


app = typer.Typer(add_completion=False)
app.command()(preflight)
