"""`podlab doctor hosts`: what is wrong with a running cluster's hosts, and with what runs on them."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Final

import typer

from podlab.client.config import cluster_name, state_directory
from podlab.deploy.doctor.diagnosis import diagnosis
from podlab.deploy.doctor.pulse import Pulse
from podlab.deploy.doctor.report import as_text
from podlab.deploy.doctor.view import look
from podlab.deploy.preflight.arguments import PassingOn
from podlab.deploy.preflight.finding import Finding
from podlab.deploy.preflight.outcome import load
from podlab.deploy.preflight.playbook import PreflightError, failure, inventory_given, run
from podlab.deploy.preflight.report import has_errors
from podlab.settings import SettingsError

_PLAYBOOK: Final = "playbooks/doctor.yml"
_BROKEN, _UNKNOWN = 1, 2
# A host that is away is tried more than once.
_IMPATIENT: Final = ("--timeout", "5")


class DoctorOutput(StrEnum):
    TEXT = "text"
    JSON = "json"


class DoctorHosts(PassingOn):
    own: ClassVar[Mapping[str, bool]] = {"--output": True, "-o": True}


def doctor_hosts(
    ctx: typer.Context,
    output: Annotated[
        DoctorOutput, typer.Option("--output", "-o", help="For people or for programs.")
    ] = DoctorOutput.TEXT,
) -> None:
    """Look at the hosts of a running cluster and at what runs there, and say what is wrong, the worst first.

    All other options are ansible-playbook's, and say how to connect: -i INVENTORY (the lab's when not given),
    -u USER, --private-key FILE, --ask-become-pass, -e NAME=VALUE, --limit HOSTS.
    Exit code 1: something is broken; it is named with its cause and what to do.
    """
    tell(ctx.args, output)


def tell(options: Sequence[str], output: DoctorOutput) -> None:
    """Print the diagnosis. Raises typer.Exit for what is broken, and where there is no diagnosis."""
    try:
        found, text = _found(options)
    except (PreflightError, SettingsError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(_UNKNOWN) from error
    if output is DoctorOutput.JSON:
        text = json.dumps({"ok": not has_errors(found), "findings": [asdict(each) for each in found]}, indent=2)
    typer.echo(text)
    if has_errors(found):
        raise typer.Exit(_BROKEN)


def _found(options: Sequence[str]) -> tuple[list[Finding], str]:
    """The diagnosis, and as text."""
    state = state_directory(cluster_name())
    if not inventory_given(options):
        options = ["-i", str(state / "inventory"), *options]
    with tempfile.TemporaryDirectory(prefix="podlab-") as folder:
        report, pulses = Path(folder, "report.json"), Path(folder, "pulses")
        pulses.mkdir()
        places = {"preflight_report": str(report), "doctor_directory": str(pulses)}
        code, said = run(_PLAYBOOK, [*_IMPATIENT, *options, "-e", json.dumps(places)])
        if not report.exists():
            raise PreflightError(failure(code, said))
        outcome = load(report.read_text())
        told = {path.stem: json.loads(path.read_text()) for path in sorted(pulses.iterdir())}
    known = {host: Pulse.read(each["pulse"]) for host, each in told.items() if each.get("pulse")}
    view = look(state)
    found = diagnosis(outcome.hosts, outcome.findings, known, view)
    return found, as_text(found, outcome.hosts, known, view)


app = typer.Typer(add_completion=False)
app.command(cls=DoctorHosts)(doctor_hosts)
