"""`podlab lab ...`: lab hosts from the command line."""

import logging
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from podlab.deploy.debian import DEFAULT_SUITE
from podlab.lab import inventory, invoker
from podlab.lab.errors import LabError
from podlab.lab.lab import Lab, all_names
from podlab.lab.spec import LabSpec

app = typer.Typer(
    add_completion=False, help="Local lab hosts: small Debian systems that stand in for VMs.", no_args_is_help=True
)

LabName = Annotated[str, typer.Option("--lab", help="The lab's name.", envvar="PODLAB_CLUSTER")]
HostNames = Annotated[list[str] | None, typer.Argument(help="Some hosts only.", show_default="all hosts")]


@app.command()
def create(
    lab: LabName = "lab",
    masters: Annotated[int, typer.Option(help="Masters, named m1, m2 ...")] = 1,
    nodes: Annotated[int, typer.Option(help="Nodes, named n1, n2 ...")] = 2,
    subnet: Annotated[str, typer.Option(help="The lab's network; a free one in 10.99.0.0/16 by default.")] = "",
    segments: Annotated[int, typer.Option(help="Network segments; of two, each has every second node.")] = 1,
    dual_stack: Annotated[bool, typer.Option("--dual-stack", help="A cluster of IPv4 and IPv6.")] = False,
    suite: Annotated[str, typer.Option(help="The hosts' release of Debian: bookworm or trixie.")] = DEFAULT_SUITE,
    isolated: Annotated[bool, typer.Option("--isolated", help="Hosts that reach each other and this machine.")] = False,
    ingress: Annotated[list[str] | None, typer.Option(help="A node that serves Ingresses; may be repeated.")] = None,
) -> None:
    """Make a lab and boot its hosts; one that exists is completed and started."""
    with _as_root():
        made = Lab(lab)
        spec = made.create(
            LabSpec(
                name=lab,
                masters=masters,
                nodes=nodes,
                subnet=subnet,
                segments=segments,
                dual_stack=dual_stack,
                suite=suite,
                isolated=isolated,
            )
        )
        hosts = inventory.write(spec, made.directory, inventory.project_dir(), ingress or ())
        invoker.give(hosts.parents[1])
    typer.echo(f"lab {lab}: {', '.join(f'{host.name} {host.address}' for host in spec.hosts)}")
    typer.echo(f"inventory: {hosts.parent}")


@app.command("list")
def list_labs() -> None:
    """Show every lab on this machine, and which hosts run."""
    table = Table("LAB", "HOST", "GROUP", "ADDRESS", "STATE", box=None, pad_edge=False)
    with _reporting():
        for name in all_names():
            lab = Lab(name)
            if not lab.exists():
                table.add_row(name, "-", "-", "-", "left over: podlab lab destroy --lab " + name)
                continue
            for status in lab.status():
                host = status.host
                table.add_row(name, host.name, host.group, host.address, "running" if status.running else "off")
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@app.command()
def ssh(
    host: Annotated[str, typer.Argument(help="The host's name, such as n1.")],
    command: Annotated[list[str] | None, typer.Argument(help="-- COMMAND; a login shell without one.")] = None,
    lab: LabName = "lab",
) -> None:
    """Run a command on a host, with its output and its exit code; or open a shell."""
    with _reporting():
        code = Lab(lab).ssh(host, command or ())
    raise typer.Exit(code)


@app.command()
def stop(
    hosts: HostNames = None,
    lab: LabName = "lab",
    hard: Annotated[bool, typer.Option("--hard", help="At once, as if the plug were pulled.")] = False,
) -> None:
    """Power off hosts; their files stay."""
    with _as_root():
        Lab(lab).stop(hosts or (), hard=hard)


@app.command()
def start(hosts: HostNames = None, lab: LabName = "lab") -> None:
    """Start hosts that are off, also after a restart of this machine."""
    with _as_root():
        Lab(lab).start(hosts or ())


@app.command()
def destroy(lab: LabName = "lab") -> None:
    """Remove a lab without a trace; only the base image stays cached."""
    with _as_root():
        Lab(lab).destroy()
        inventory.remove(lab, inventory.project_dir())
    typer.echo(f"lab {lab}: removed")


@contextmanager
def _as_root() -> Iterator[None]:
    """Run a lab operation that changes this machine; who is not root is told what to type."""
    if os.geteuid() != 0:
        # sudo has another PATH, in which a virtualenv's commands are not.
        typed = shlex.join([str(Path(sys.argv[0]).absolute()), *sys.argv[1:]])
        typer.echo(f"error: lab hosts need root: sudo {typed}", err=True)
        raise typer.Exit(1)
    with _reporting():
        yield


@contextmanager
def _reporting() -> Iterator[None]:
    """Run a lab operation, with its progress on stderr and its failure as one message."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        yield
    except LabError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
