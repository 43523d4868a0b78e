"""`podlab support-bundle`: one archive of what every host and the API server tell, without secrets."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final

import typer

from podlab import __version__
from podlab.client.config import cluster_name, state_directory
from podlab.deploy.preflight.arguments import PassingOn
from podlab.deploy.preflight.playbook import PreflightError, failure, inventory_given, run
from podlab.deploy.support import parts
from podlab.deploy.support.archive import pack, readme
from podlab.deploy.support.asking import Asked, ask
from podlab.deploy.support.parts import Unreachable
from podlab.deploy.support.redaction import Redactor
from podlab.settings import SettingsError

_PLAYBOOK: Final = "playbooks/support-bundle.yml"
# What the playbook says of itself: the hosts, and where the cluster's keys are.
_CLUSTER: Final = "cluster.json"
_TABLES: Final = {
    "nodes": ("get", "nodes", "-o", "wide"),
    "pods": ("get", "pods", "-A", "-o", "wide"),
    "events": ("get", "events", "-A"),
    "version": ("version",),
}
_TABLE_WITHIN_S: Final = 30


class SupportBundle(PassingOn):
    own: ClassVar[Mapping[str, bool]] = {"--output": True, "-o": True, "--since": True}


def support_bundle(
    ctx: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The archive.", show_default="podlab-support-CLUSTER-TIME.tar.gz"),
    ] = None,
    since: Annotated[str, typer.Option(help="How old entries of journals may be, as journalctl takes it.")] = "-1d",
) -> None:
    """Collect logs, rules, states, versions and settings of all hosts in one archive, without secrets.

    The cluster's objects are in it, too. All other options are ansible-playbook's, and say how to connect:
    -i INVENTORY (the lab's when not given), -u USER, --private-key FILE, --ask-become-pass, --limit HOSTS.
    Hosts that cannot be reached are named, and the others told.
    """
    options = [*ctx.args, "-e", json.dumps({"support_since": since})]
    try:
        if not inventory_given(options):
            options = ["-i", str(state_directory(cluster_name()) / "inventory"), *options]
        with tempfile.TemporaryDirectory(prefix="podlab-") as folder:
            _bundle(Path(folder), options, output)
    except (PreflightError, SettingsError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def _bundle(folder: Path, options: Sequence[str], output: Path | None) -> None:
    code, said = run(_PLAYBOOK, [*options, "-e", json.dumps({"support_directory": str(folder)})])
    if not (folder / _CLUSTER).exists():
        raise PreflightError(failure(code, said))
    known = json.loads((folder / _CLUSTER).read_text())
    (folder / _CLUSTER).unlink()
    state = Path(known["directory"])
    asked = ask(state)
    if not asked.failures:
        asked.files.update({f"cluster/{name}.txt": _table(state, words) for name, words in _TABLES.items()})
    unreachable = list(parts.unreachable(folder, known["hosts"]))
    made = datetime.now(UTC)
    name = f"podlab-support-{known['cluster']}-{made:%Y%m%dT%H%M%SZ}"
    archive = output or Path(f"{name}.tar.gz")
    told = readme(known["cluster"], f"{made:%F %T} UTC", __version__, unreachable, asked.failures)
    pack(folder, name, archive, _redactor(state, asked), {**asked.files, "README.txt": told})
    _tell(archive, known["hosts"], unreachable, asked.failures)


def _redactor(state: Path, asked: Asked) -> Redactor:
    return Redactor(frozenset(asked.secrets) | parts.secrets_in(state))


def _table(state: Path, words: Sequence[str]) -> str:
    """What `podlab` prints: in a process of its own, as a user sees it."""
    command = [sys.executable, "-m", "podlab.cli.main", "--cluster", state.name, *words]
    try:
        done = subprocess.run(
            command,
            cwd=state,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_TABLE_WITHIN_S,
            env={**os.environ, "COLUMNS": "200"},
        )
    except subprocess.TimeoutExpired:
        return f"podlab {' '.join(words)} did not end within {_TABLE_WITHIN_S} s\n"
    return done.stdout


def _tell(archive: Path, hosts: Sequence[str], missing: Sequence[Unreachable], failures: Sequence[str]) -> None:
    reached = [host for host in hosts if host not in {each.host for each in missing}]
    typer.echo(f"{archive} ({archive.stat().st_size / 1024:.0f} KiB) has what {', '.join(reached) or 'no host'} told")
    for each in missing:
        typer.echo(f"warning: {each.host} is not in it: {each.cause}; {each.remedy}", err=True)
    for failure_ in failures:
        typer.echo(f"warning: {failure_}", err=True)


app = typer.Typer(add_completion=False)
app.command(cls=SupportBundle)(support_bundle)
