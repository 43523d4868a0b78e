"""`podlab verify`: prove on the hosts what a playbook deployed. Exit code 0 when all checks pass."""

from pathlib import Path
from typing import Annotated, Final

import pytest
import typer

from podlab.client.config import cluster_name, state_directory
from podlab.settings import SettingsError
from podlab.verify.reporter import Reporter

TESTS: Final = Path(__file__).parents[2] / "tests" / "verify"


def verify(
    inventory: Annotated[
        str, typer.Option("--inventory", "-i", help="Inventory of the cluster.", show_default=".podlab/lab/inventory")
    ] = "",
    junit: Annotated[Path | None, typer.Option(help="Write the outcome there too, as JUnit XML.")] = None,
    only: Annotated[str, typer.Option("-k", help="Run the checks whose names match this pytest expression.")] = "",
) -> None:
    """Check services, ports, runtime, files, clocks, nodes, pods and Services of a deployed cluster."""
    if not TESTS.is_dir():
        typer.echo(f"error: the checks are not at {TESTS}; run podlab from its source tree", err=True)
        raise typer.Exit(2)
    try:
        chosen = inventory or str(state_directory(cluster_name()) / "inventory")
    except SettingsError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    # Our reporter takes the place of pytest's own; what ends the session early must still be seen.
    arguments = [str(TESTS), "-c", str(TESTS / "pytest.ini"), "--inventory", chosen, "-p", "no:terminal"]
    arguments += ["-p", "no:cacheprovider", "--disable-plugin-autoload"]
    arguments += [f"--junitxml={junit}"] if junit else []
    arguments += ["-k", only] if only else []
    raise typer.Exit(int(pytest.main(arguments, plugins=[Reporter()])))


app = typer.Typer(add_completion=False)
app.command()(verify)
