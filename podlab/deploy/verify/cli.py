"""`podlab verify`: prove on the hosts what a playbook deployed. Exit code 0 when all checks pass."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Final

import pytest
import typer

from podlab.client.config import cluster_name, state_directory
from podlab.deploy.preflight.arguments import PassingOn
from podlab.deploy.release.sources import project_root
from podlab.deploy.verify.reporter import Reporter
from podlab.settings import SettingsError

TESTS: Final = project_root() / "tests" / "verify"


class Verify(PassingOn):
    own: ClassVar[Mapping[str, bool]] = {"--inventory": True, "-i": True, "--junit": True, "-k": True}


def verify(
    ctx: typer.Context,
    inventory: Annotated[
        str, typer.Option("--inventory", "-i", help="Inventory of the cluster.", show_default=".podlab/lab/inventory")
    ] = "",
    junit: Annotated[Path | None, typer.Option(help="Write the outcome there too, as JUnit XML.")] = None,
    only: Annotated[str, typer.Option("-k", help="Run the checks whose names match this pytest expression.")] = "",
) -> None:
    """Check services, ports, runtime, files, clocks, nodes, pods and Services of a deployed cluster.

    All other options are ansible-playbook's, and say how to connect: -u USER, --private-key FILE, -e NAME=VALUE.
    """
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
    arguments += [f"--ansible={word}" for word in ctx.args]
    raise typer.Exit(int(pytest.main(arguments, plugins=[Reporter()])))


app = typer.Typer(add_completion=False)
app.command(cls=Verify)(verify)
