"""`podlab verify`: prove on the hosts what a playbook deployed. Exit code 0 when all checks pass."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Final

import pytest
import typer
import yaml

from podlab import __version__
from podlab.client.config import cluster_name, state_directory
from podlab.deploy.preflight.arguments import PassingOn
from podlab.deploy.release.sources import project_root
from podlab.deploy.verify.report import benchmark, page
from podlab.deploy.verify.report.document import Report, as_json
from podlab.deploy.verify.reporter import Reporter
from podlab.settings import SettingsError

TESTS: Final = project_root() / "tests" / "verify"
BENCHMARK: Final = TESTS / "cis-1.12.yaml"


class ReportForm(StrEnum):
    HTML = "html"
    JSON = "json"


class Verify(PassingOn):
    own: ClassVar[Mapping[str, bool]] = {
        "--inventory": True,
        "-i": True,
        "--junit": True,
        "-k": True,
        "--report": True,
    }


def verify(
    ctx: typer.Context,
    inventory: Annotated[
        str, typer.Option("--inventory", "-i", help="Inventory of the cluster.", show_default=".podlab/lab/inventory")
    ] = "",
    junit: Annotated[Path | None, typer.Option(help="Write the outcome there too, as JUnit XML.")] = None,
    only: Annotated[str, typer.Option("-k", help="Run the checks whose names match this pytest expression.")] = "",
    report: Annotated[
        ReportForm | None,
        typer.Option(help="Print a report with the CIS Kubernetes Benchmark; sentences go to stderr."),
    ] = None,
) -> None:
    """Check services, ports, runtime, files, clocks, nodes, pods and Services of a deployed cluster.

    With --report (podlab verify --report html > verify.html) the outcome is a document, in which each control of the
    CIS Kubernetes Benchmark stands with how Podlab answers it, and what this run found.
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
    reporter = Reporter(output=sys.stderr if report else sys.stdout)
    code = int(pytest.main(arguments, plugins=[reporter]))
    if report and reporter.checks:
        typer.echo(_document(report, reporter), nl=False)
    raise typer.Exit(code)


def _document(form: ReportForm, found: Reporter) -> str:
    controls = benchmark.parse(yaml.safe_load(BENCHMARK.read_text()))
    made = Report(found.cluster, __version__, datetime.now(UTC), tuple(found.checks), controls)
    return (
        page.render(made) if form is ReportForm.HTML else json.dumps(as_json(made), indent=2, ensure_ascii=False) + "\n"
    )


app = typer.Typer(add_completion=False)
app.command(cls=Verify)(verify)
